#!/usr/bin/env python3
"""Media without files: from stdin to stdout, or into a dictionary.

    memory.py copy < in.mp4 > out.ts        remuxes to MPEG-TS
    memory.py hls < in.mp4                  makes an HLS stream in memory, and shows what is in it
    memory.py frames < in.mp4               counts the frames by a generator's bytes in and raw pictures out

stdin and stdout may be files, pipes or sockets: what can seek does, what cannot is read and written as a stream.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

try:
    import mt_transcode
except ImportError:  # in a checkout the module lies beside the examples
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
    import mt_transcode


def copy(engine: mt_transcode.Engine) -> None:
    engine.run(["-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out"],
               bind={"in": sys.stdin.buffer, "out": sys.stdout.buffer})


def hls(engine: mt_transcode.Engine) -> None:
    store = mt_transcode.MemoryStore()
    engine.run(["-i", "mt:in", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", "-f", "hls", "-hls_time", "2",
                "-hls_list_size", "0", "mt:store/index.m3u8"], bind={"in": sys.stdin.buffer, "store": store})
    for name in sorted(store):
        print(f"{name:16} {len(store[name]):9} bytes")
    print(store["index.m3u8"].decode(), end="")


def chunks() -> Iterator[bytes]:
    """As bytes would come from a message queue or an HTTP body."""
    while chunk := sys.stdin.buffer.read(10_000):
        yield chunk


def frames(engine: mt_transcode.Engine) -> None:
    size = 64 * 36
    counted = 0
    with engine.pipe() as pictures, engine.job() as job:
        job.input("mt:in")
        job.output("mt:pictures", {"f": "rawvideo", "s": "64x36", "pix_fmt": "gray"})
        job.bind("in", chunks())
        job.bind("pictures", pictures, "w")
        job.start()
        picture = bytearray()
        for chunk in pictures:  # as the job decodes: a slow reader slows it down
            picture += chunk
            counted += len(picture) // size
            del picture[:len(picture) // size * size]
        job.wait()
    print(f"{counted} frames")


def main() -> int:
    parser = argparse.ArgumentParser(description="Media without files: from stdin to stdout, or into a dictionary.")
    parser.add_argument("what", choices=["copy", "hls", "frames"])
    args = parser.parse_args()
    try:
        with mt_transcode.Engine() as engine:
            {"copy": copy, "hls": hls, "frames": frames}[args.what](engine)
    except mt_transcode.Error as error:
        print(f"memory: {error.message}\n        {error.hint}".rstrip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
