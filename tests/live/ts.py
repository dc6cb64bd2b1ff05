"""MPEG-TS as the live tests look at it: where its pictures begin. FFmpeg's muxer gives the first video stream the PID 256."""

from __future__ import annotations

PACKET, VIDEO_PID = 188, 256


def pictures(data: bytes) -> list[int]:
    """Where pictures begin, in whole packets from the first byte on."""
    begins = lambda at: (data[at + 1] & 0x1F) << 8 | data[at + 2] == VIDEO_PID and data[at + 1] & 0x40  # noqa: E731
    return [at for at in range(0, len(data) - PACKET + 1, PACKET) if begins(at)]
