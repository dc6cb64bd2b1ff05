"""Faults that are in the media: clocks that jump, parameters that change, silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flv
import lines
from support import decoded, media, packets, program

if TYPE_CHECKING:
    from faults import Bench


def media_faults(bench: Bench) -> None:
    clip, folder = media() / "clip.ts", bench.folder
    make = "-f lavfi -i testsrc2=s={}:r=25:d={} {} -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 -c:a aac"
    program("-i", media() / "clip.mp4", "-c", "copy", "-output_ts_offset", "95439", "-muxdelay", "0", folder / "wrap.ts")
    program(*make.format("160x120", 10, "-f lavfi -i sine=d=10").split(), folder / "small.ts")
    program(*make.format("160x120", 40, "-f lavfi -i sine=d=2").split(), folder / "quiet.ts")
    jumps = [("timestamps wrap at 33 bits", [folder / "wrap.ts"], 250), ("timestamps back to zero", [clip, clip], 500),
             ("codec parameters change in mid-stream", [clip, folder / "small.ts"], 500), ("no audio for 38 s", [folder / "quiet.ts"], 1000)]
    for fault, files, pictures in jumps:
        for way, codec in (("copied", ["-c", "copy"]), ("encoded", ["-c:v", "mpeg2video", "-c:a", "mp2"])):
            row, out = bench.row(fault, f"tcp-ts, {way}"), folder / f"media-{way}.ts"
            with lines.Bytes(b"".join(file.read_bytes() for file in files), hangs_up=True) as server:
                args = ["-analyzeduration", "3000000", "-f", "mpegts", "-i", f"tcp://127.0.0.1:{server.port}", "-map", "0:v", "-map", "0:a", *codec, out]
                bench.ends(row, lambda: None, "-mt_live", 1, *args)
            row.recovered = continuity(out, pictures)
    flv_parameters(bench, folder / "small.ts")


def flv_parameters(bench: Bench, small: Path) -> None:
    """FLV has the codec's parameters in tags of their own."""
    program("-i", small, "-c", "copy", bench.folder / "small.flv")
    data = (media() / "clip.flv").read_bytes() + b"".join(tag.later(10_000) for tag in flv.tags((bench.folder / "small.flv").read_bytes()))
    for way, codec, ending in (("copied", ["-c", "copy"], "flv"), ("encoded", ["-c:v", "mpeg2video", "-c:a", "mp2"], "ts")):
        row, out = bench.row("codec parameters change in mid-stream", f"tcp-flv, {way}"), bench.folder / f"flv-{way}.{ending}"
        with lines.Bytes(data, hangs_up=True) as server:
            args = ["-f", "flv", "-i", f"tcp://127.0.0.1:{server.port}", "-map", "0:v", "-map", "0:a", *codec, out]
            bench.ends(row, lambda: None, "-mt_live", 1, *args)
        row.recovered = continuity(out, 500)


def continuity(path: Path, pictures: int) -> str:
    """Whether so many pictures of a file are there, can be decoded, and go on without a step of more than a quarter of a second."""
    times = [float(packet["dts_time"]) for packet in packets(path) if packet["codec_type"] == "video" and "dts_time" in packet]
    found, shown = len(times), decoded(path).get("video", 0)
    whole = "all pictures" if found >= pictures else f"{found} of {pictures} pictures"
    if shown < found:
        whole += f", {shown} of them can be shown"
    return f"{whole}, {jumps_of(times)}"


def jumps_of(times: list[float], most: float = 0.25) -> str:
    steps = [later - before for before, later in zip(times, times[1:])]
    widest, backwards = max(steps, default=0), sum(step <= 0 for step in steps)
    return "no jump" if widest < most and not backwards else f"widest step {widest:.2f} s, {backwards} backwards"
