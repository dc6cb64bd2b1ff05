"""FLV as the live tests look at it: tag by tag, from a file or as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: Before the first tag: the header, and the size of none before.
HEAD = 13
_VIDEO, _IS_MEDIA = 9, 1  # of AVC: packet type 0 is its parameters


@dataclass(frozen=True)
class Tag:
    #: Whole, with its size behind it.
    data: bytes

    @property
    def ms(self) -> int:
        return int.from_bytes(self.data[4:7], "big") | self.data[7] << 24

    @property
    def is_picture(self) -> bool:
        return self.data[0] == _VIDEO and len(self.data) > 12 and self.data[12] == _IS_MEDIA

    @property
    def tail(self) -> bytes:
        """The last bytes of its payload, which no container changes."""
        return self.data[-36:-4]

    def later(self, ms: int) -> bytes:
        when = self.ms + ms
        return self.data[:4] + (when & 0xFFFFFF).to_bytes(3, "big") + bytes([when >> 24]) + self.data[8:]


class Reader:
    """Takes a stream in pieces of any size."""

    def __init__(self) -> None:
        self.head, self._rest = b"", b""

    def feed(self, data: bytes) -> Iterator[Tag]:
        """The tags that are whole now."""
        self._rest += data
        if not self.head:
            if len(self._rest) < HEAD:
                return
            self.head, self._rest = self._rest[:HEAD], self._rest[HEAD:]
        while len(self._rest) >= 11 and len(self._rest) >= (size := 15 + int.from_bytes(self._rest[1:4], "big")):
            tag, self._rest = Tag(self._rest[:size]), self._rest[size:]
            yield tag


def tags(file: bytes) -> Iterator[Tag]:
    return Reader().feed(file)
