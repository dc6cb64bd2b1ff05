#!/usr/bin/env python3
"""Transcodes a file by ffmpeg's own options, with progress.

    transcode.py in.mov out.mp4                            defaults of the output's format
    transcode.py in.mov out.mp4 -- -c:v libx264 -crf 23    options of the output, as ffmpeg has them
    transcode.py --verbose in.mov out.webm                 with FFmpeg's log

Ctrl-C ends it in good order: what was written so far plays.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

try:
    import mt_transcode
except ImportError:  # in a checkout the module lies beside the examples
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
    import mt_transcode


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Transcodes a file by ffmpeg's own options.")
    parser.add_argument("--verbose", action="store_true", help="show FFmpeg's log")
    parser.add_argument("source", help="a file or URL")
    parser.add_argument("target", help="the file to write; its name decides the format")
    parser.add_argument("options", nargs="*", help="options of the output, after --")
    return parser.parse_args()


def clock(microseconds: int) -> str:
    seconds = microseconds // 1_000_000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def show(event: mt_transcode.Event) -> None:
    """One line of progress, rewritten in place."""
    if event.type != mt_transcode.EventType.PROGRESS:
        return
    line = clock(event.position_us)
    if event.percent is not None:
        line = f"{event.percent:5.1f} %  {line} of {clock(event.duration_us or 0)}"
    if event.time_left_us is not None:
        line += f", {clock(event.time_left_us)} left"
    print(f"\r{line}, {event.speed:.1f}x, {event.size_bytes // 1000} kB   ", end="", file=sys.stderr, flush=True)


def transcode(engine: mt_transcode.Engine, args: argparse.Namespace) -> None:
    level = ["-loglevel", "verbose" if args.verbose else "error"]
    label = os.path.basename(args.target)
    with engine.job([*level, "-i", args.source, *args.options, args.target], label) as job:
        job.start()
        try:
            for event in job.events():
                show(event)
        except KeyboardInterrupt:
            print("\nstopping: writing the trailer", file=sys.stderr)
            job.stop()
        job.wait()
        print(f"\n{args.target}: {job.stats().size_bytes // 1000} kB", file=sys.stderr)


def main() -> int:
    args = parse()
    logging.basicConfig(level=logging.DEBUG, format="\n%(message)s")
    try:
        with mt_transcode.Engine() as engine:
            transcode(engine, args)
    except mt_transcode.Error as error:
        print(f"\ntranscode: {error.message}\n           {error.hint}".rstrip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
