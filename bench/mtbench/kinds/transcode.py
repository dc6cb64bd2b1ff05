"""Transcodes: one rendition, a ladder of three, sound only, thumbnails."""

from __future__ import annotations

from pathlib import Path

from .. import media
from ..commands import CommandKind, CommandResults, Work
from ..figures import Verdict, at_most

# Seconds of media.
SECONDS = {"quick": 1, "full": 3}
AUDIO_SECONDS = {"quick": 20, "full": 50}
LADDER = "1080p to 720p, 480p and 360p, H.264 and AAC"
RUNGS = {720: "2500k", 480: "1200k", 360: "600k"}
QUIET = ("-y", "-v", "error")
AUDIO = ("-c:a", "aac", "-b:a", "128k")

PAGE = """\
## Transcodes

1080p of 25 frames a second, H.264 of 6 Mbit/s and AAC, from a file in the page cache to files, as the big remuxes are done. Encoders are
libx264 with `-preset veryfast` and FFmpeg's own AAC. The ladder as one command line decodes once, and splits; three ffmpeg programs, started
at once, decode three times. The static ffmpeg has other versions of FFmpeg and x264, and so another output.

![Time and CPU over those of the ffmpeg program](bench/transcode.svg)
"""


def video(height: int) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "veryfast", "-b:v", RUNGS[height])


def one(source: Path, seconds: int, height: int) -> tuple[str, ...]:
    inputs = (*QUIET, "-t", str(seconds), "-i", str(source))
    return (*inputs, "-vf", f"scale=-2:{height}", *video(height), *AUDIO, f"{{out}}/{height}.mp4")


def ladder(source: Path, seconds: int) -> Work:
    split = "[0:v]split=3[a0][b0][c0];[a0]scale=-2:720[v720];[b0]scale=-2:480[v480];[c0]scale=-2:360[v360]"
    words = [*QUIET, "-t", str(seconds), "-i", str(source), "-filter_complex", split]
    for height in RUNGS:
        words += ["-map", f"[v{height}]", "-map", "0:a", *video(height), *AUDIO, f"{{out}}/{height}.mp4"]
    apart = tuple(one(source, seconds, height) for height in RUNGS)
    return Work(tuple(words), ("job", "ffmpeg", "ffmpeg_three"), apart)


class TranscodeResults(CommandResults):
    """By case and variant."""

    def page(self) -> str:
        parts = [PAGE]
        for case in self.cases:
            parts.append(f"### {case}\n\n{self.case_table(case)}")
        return "\n".join(parts)

    def plots(self) -> dict[str, str]:
        return {"transcode.svg": self.plot("Transcodes: time and CPU over those of the ffmpeg program (less is better)")}

    def verdicts(self) -> list[Verdict]:
        found = []
        for case in self.cases:
            for what, of in (("time", self.wall), ("CPU", self.cpu)):
                found.append(at_most(f"{case}: {what} against ffmpeg", 1, self.over(of, case, "job", "ffmpeg")))
        found.append(at_most("Ladder: CPU of one job against three ffmpeg programs", 0.92, self.over(self.cpu, LADDER, "job", "ffmpeg_three")))
        return found


class Transcode(CommandKind):
    """See plan."""

    name = "transcode"
    rounds = {"quick": 1, "full": 4}
    results = TranscodeResults

    def plan(self) -> dict[str, tuple[Path, Work]]:
        source = media.piece(self.setting.media)
        sounds = media.long(self.setting.media, 100, ".mp4")
        seconds, audio = SECONDS[self.setting.length], AUDIO_SECONDS[self.setting.length]
        picture = ("-frames:v", "1", "-vf", "scale=320:-2")
        start = (*QUIET, "-t", str(seconds), "-i", str(source))
        return {
            "1080p to 720p, H.264 and AAC": (source, Work(one(source, seconds, 720))),
            LADDER: (source, ladder(source, seconds)),
            "sound only, AAC": (sounds, Work((*QUIET, "-t", str(audio), "-i", str(sounds), "-vn", *AUDIO, "{out}/sound.m4a"))),
            "a thumbnail": (source, Work((*QUIET, "-ss", "5", "-i", str(source), *picture, "{out}/thumb.jpg"), times=5)),
            "a thumbnail for each second": (source, Work((*start, "-vf", "fps=1,scale=320:-2", "{out}/thumb%03d.jpg"))),
        }
