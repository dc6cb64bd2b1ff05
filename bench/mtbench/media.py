"""Media that take a while to make: made once, and only for the kinds that need them. The small ones are made by bench/media.sh."""

from __future__ import annotations

import subprocess
from pathlib import Path

PIECE_SECONDS = 20


def make(path: Path, *arguments: str) -> Path:
    """By the ffmpeg program. A file that is there is whole: it gets its name at the end."""
    if not path.exists():
        part = path.with_suffix(f".part{path.suffix}")
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, str(part)], check=True)
        part.rename(path)
    return path


def piece(folder: Path) -> Path:
    """1080p of 25 frames a second with noise, 6 Mbit/s, and a tone in stereo; H.264 and AAC."""
    picture = f"testsrc2=size=1920x1080:rate=25:duration={PIECE_SECONDS},noise=alls=12:allf=t"
    sound = f"sine=frequency=440:sample_rate=48000:duration={PIECE_SECONDS}"
    video = "-c:v libx264 -preset veryfast -b:v 6M -maxrate 8M -bufsize 12M -g 50 -pix_fmt yuv420p".split()
    audio = "-c:a aac -b:a 128k -ac 2".split()
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    return make(folder / "piece.mp4", *inputs, *video, *audio, "-movflags", "+faststart")


def long(folder: Path, megabytes: int, suffix: str) -> Path:
    """The piece over and over, in the container that the suffix stands for."""
    source = piece(folder)
    whole = folder / f"long-{megabytes}.mp4"
    times = megabytes * 1_000_000 // source.stat().st_size
    make(whole, "-stream_loop", str(times), "-i", str(source), "-map", "0", "-c", "copy", "-movflags", "+faststart")
    return make(whole.with_suffix(suffix), "-i", str(whole), "-map", "0", "-c", "copy")

