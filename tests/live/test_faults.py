"""The faults of faults.py, each once: exactly what a host is told, and whether a source is back. How long it takes is `make faults`' to say."""

from __future__ import annotations

import contextlib
import unittest

from faults import SILENT, Amount, Bench, bench, fast_lines
from jumps import media_faults
from readers import joined_never_reads, never_reads
from restarts import restarts
from rows import LIMIT_MS

LATE = {"FAILED ETIMEDOUT"}


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.bench: Bench = stack.enter_context(bench(Amount(1, 1, 50)))

    def results(self) -> dict[tuple[str, str], set[str]]:
        return {(row.fault, row.protocol): set(row.results) for row in self.bench.rows}

    def test_peers_that_say_nothing(self) -> None:
        for protocol, url in SILENT:
            self.bench.silent_peer(protocol, url)
        self.bench.full_backlog()
        self.bench.tls_stall()
        for of, results in self.results().items():
            self.assertEqual(results, LATE, of)

    def test_a_fifo_without_a_writer(self) -> None:
        self.bench.fifo()
        row = self.bench.rows[0]
        # A worker is killed, and leaves nothing behind.
        detached = "" if self.bench.isolation == "process" else ", detached until a writer comes"
        self.assertEqual(row.results, ["FAILED ETIMEDOUT" + detached])
        self.assertLess(row.times[0], (LIMIT_MS + 650) / 1000 + 1)

    def test_lines_that_break_in_mid_stream(self) -> None:
        for make in fast_lines():
            with make() as line:
                self.bench.on_line(line, False)
        results = self.results()
        for protocol in ("tcp-ts", "http-ts", "http-flv"):
            for fault in ("silent in mid-stream", "one byte every 200 ms"):
                self.assertEqual(results[fault, protocol], LATE, (fault, protocol))
        for protocol in ("http-ts", "http-flv"):
            self.assertEqual(results["silent after handshake", protocol], LATE, protocol)
            # HTTP says how it ends; FFmpeg makes EIO of an end without that word.
            self.assertEqual(results["half-close in mid-stream", protocol], {"FAILED DEMUX"}, protocol)
        self.assertEqual(results["half-close in mid-stream", "tcp-ts"], {"SUCCEEDED"}, "TCP's end is the end")
        for protocol in ("tcp-ts", "http-ts"):
            self.assertEqual(results["reset in mid-stream", protocol], {"FAILED ECONNRESET"}, protocol)
        self.assertEqual(results["reset in mid-stream", "http-flv"], {"FAILED DEMUX"}, "the demuxer says EIO whatever happened (flvdec.c)")
        for row in self.bench.rows:
            if "mid-stream" in row.fault or "byte" in row.fault:
                self.assertRegex(row.recovered, r"^after [\d.]+ s$", (row.fault, row.protocol))

    def test_a_server_that_is_restarted(self) -> None:
        row = restarts(self.bench, 0.3, 4)
        self.assertEqual((row.results, row.recovered), (["SUCCEEDED"], "each time (5 connections), nothing lost but the outage, no jump"))

    def test_a_viewer_that_never_reads(self) -> None:
        never_reads(self.bench)
        self.assertEqual(set(self.bench.rows[0].results), LATE)

    def test_a_joined_viewer_that_never_reads(self) -> None:
        joined_never_reads(self.bench)
        self.assertEqual(self.bench.rows[0].results, ["output ETIMEDOUT, job RUNNING"])

    def test_media_that_jumps(self) -> None:
        media_faults(self.bench)
        for row in self.bench.rows:
            self.assertEqual((row.results, row.recovered), (["SUCCEEDED"], "all pictures, no jump"), (row.fault, row.protocol))

    def test_cancel_at_random_moments(self) -> None:
        with contextlib.ExitStack() as stack:
            self.bench.cancels([stack.enter_context(make()) for make in fast_lines()])
        for row in self.bench.rows:
            self.assertEqual(set(row.results), {"CANCELLED ECANCELED"}, row.protocol)


if __name__ == "__main__":
    unittest.main(verbosity=2)
