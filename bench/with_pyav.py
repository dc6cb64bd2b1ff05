"""Remuxes small files from memory to memory with PyAV, as its documentation does. Spoken to as bench/c/small.c is: for each line on standard input

    pyav SECONDS THREADS FILE FORMAT [KEY VALUE]

it prints how many jobs, wall seconds, CPU seconds, and the bytes of one output. It runs in the environment that bench/competitors.sh has made.
"""

from __future__ import annotations

import io
import sys
import threading
import time
from pathlib import Path

import av


def remux(data: bytes, form: str, options: dict[str, str]) -> bytes:
    output = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(output, "w", format=form, options=options) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:  # the last of a stream is empty
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return output.getvalue()


def answer(seconds: float, threads: int, path: str, form: str, option: list[str]) -> str:
    data = Path(path).read_bytes()
    options = dict([option]) if option else {}
    jobs: list[int] = []
    cpu, began = time.process_time(), time.monotonic()

    def run() -> None:
        while True:
            jobs.append(len(remux(data, form, options)))
            if time.monotonic() >= began + seconds:
                return

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return f"{len(jobs)} {time.monotonic() - began:.6f} {time.process_time() - cpu:.6f} {jobs[-1]}"


for line in sys.stdin:
    _, length, at_once, file, output_format, *key_and_value = line.split()
    print(answer(float(length), int(at_once), file, output_format, key_and_value), flush=True)
