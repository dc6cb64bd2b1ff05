"""Live clips, 25 pictures a second with sound, about 2 Mbit/s, with when which piece of them is due; and the arguments of a live remux of them.
FFmpeg's muxer of MPEG-TS gives the first video stream the PID 256."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from . import media

SECONDS = 32
PICTURES_A_SECOND = 25
# What a live remux lets gather that need not give out each picture at once.
GATHER_MS = 500
FORMATS = {".ts": "mpegts", ".flv": "flv"}
# What -mt_live 1 stands for (docs/low-latency.md), as far as the ffmpeg program has it.
LIVE_INPUT = {
    ".ts": "-fpsprobesize 2 -analyzeduration 500000 -scan_all_pmts 0",
    ".flv": "-fpsprobesize 2 -analyzeduration 2000000",
}
LIVE_OUTPUT = {
    ".ts": "-flush_packets 1 -muxdelay 0 -muxpreload 0 -max_interleave_delta 300000 -pes_payload_size 0",
    ".flv": "-flush_packets 1 -muxdelay 0 -muxpreload 0 -max_interleave_delta 1000000 -flvflags no_duration_filesize",
}
_PACKET, _VIDEO_PID = 188, 256
_HEAD, _TAG_HEAD, _VIDEO, _IS_MEDIA = 13, 11, 9, 1  # of FLV; before the first tag is a header, and a size of none before


class Piece(NamedTuple):
    """What is given to a live stream at once."""

    when: float
    end: int
    is_picture: bool


def clip(folder: Path, suffix: str) -> Path:
    """With its pieces beside it. A key frame each second and no B frames; in MPEG-TS sound comes packet by packet, as from a live muxer."""
    whole = media.make(folder / "clip.mp4", *_inputs(), *_codecs())
    path = media.make(folder / f"clip{suffix}", "-i", str(whole), "-map", "0", "-c", "copy", *_muxer(suffix))
    lines = [f"{piece.when:.3f} {piece.end}\n" for piece in pieces(path)]
    path.with_suffix(f"{suffix}.pieces").write_text("".join(lines))
    return path


def arguments(who: str, options: str, source: str, target: str) -> list[str]:
    """Of an ffmpeg command line, for `who` of bench/c/stream.h: source and target are suffixes, options "default", "flush", "live" or "gathered"."""
    if who == "loop":
        return [FORMATS[target]]
    is_ours = who != "program"
    before, after = "", "-flush_packets 1" if options == "flush" else ""
    if options == "live":
        before, after = ("-mt_live 1", "") if is_ours else (LIVE_INPUT[source], LIVE_OUTPUT[target])
    if options == "gathered":
        before = f"-mt_live 1 -mt_gather_ms {GATHER_MS}"
    into, out = ("mt:in", "mt:out") if is_ours else ("pipe:0", "pipe:1")
    return f"{before} -f {FORMATS[source]} -i {into} -map 0 -c copy {after} -f {FORMATS[target]} {out}".split()


def _inputs() -> list[str]:
    picture = f"testsrc2=size=640x360:rate={PICTURES_A_SECOND}:duration={SECONDS},noise=alls=20:allf=t"
    return ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"]


def _codecs() -> list[str]:
    rate = "-b:v 1750k -maxrate 1750k -bufsize 500k"
    return f"-c:v libx264 -preset veryfast -bf 0 -sc_threshold 0 -g {PICTURES_A_SECOND} -pix_fmt yuv420p {rate} -c:a aac -b:a 128k".split()


def _muxer(suffix: str) -> list[str]:
    live = "-muxdelay 0 -muxpreload 0 -pes_payload_size 0".split()
    return live if suffix == ".ts" else []


def pieces(path: Path) -> list[Piece]:
    data = path.read_bytes()
    return list(_pieces_of_ts(data) if path.suffix == ".ts" else _pieces_of_flv(data))


def picture_ends(data: bytes, suffix: str) -> list[int]:
    """Behind the last byte of each picture."""
    return _ends_in_ts(data) if suffix == ".ts" else [piece.end for piece in _pieces_of_flv(data) if piece.is_picture]


def _video(data: bytes) -> list[tuple[int, bool]]:
    """Where packets of the video stream lie, and whether a picture begins there."""
    found = range(0, len(data) - _PACKET + 1, _PACKET)
    return [(at, bool(data[at + 1] & 0x40)) for at in found if (data[at + 1] & 0x1F) << 8 | data[at + 2] == _VIDEO_PID]


def _pieces_of_ts(data: bytes) -> list[Piece]:
    """From one picture to the next; what comes before the first goes with it."""
    begins = [at for at, is_begin in _video(data) if is_begin]
    ends = [*begins[1:], len(data)]
    return [Piece(number / PICTURES_A_SECOND, end, True) for number, end in enumerate(ends)]


def _ends_in_ts(data: bytes) -> list[int]:
    video = _video(data)
    following = [*(is_begin for _, is_begin in video[1:]), True]
    return [at + _PACKET for (at, _), is_last in zip(video, following, strict=True) if is_last]


def _pieces_of_flv(data: bytes) -> list[Piece]:
    """Tag by tag."""
    found, at = [], _HEAD
    while at + _TAG_HEAD <= len(data):
        ms = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        is_picture = data[at] == _VIDEO and data[at + _TAG_HEAD + 1] == _IS_MEDIA
        at += _TAG_HEAD + int.from_bytes(data[at + 1 : at + 4], "big") + 4
        found.append(Piece(ms / 1000, at, is_picture))
    return found
