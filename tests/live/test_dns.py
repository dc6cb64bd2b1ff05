"""A DNS server that never answers (dns.py): a cancel in a worker is not delayed; on threads free returns within its bound, and what was left behind is counted until the resolver
gives up; a source's attempts are spent one by one, and an alternate is read meanwhile."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

from dns import MARK, Away, Row, black_hole, enter

#: Bounds of the library, and time for a machine that is busy.
SLACK_S = 1.0
LEFT_BEHIND = ", detached until the resolver gives up"


class Dns(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        hole = black_hole()
        hole.__enter__()
        cls.addClassCleanup(hole.__exit__, None, None, None)

    def one(self, name: str, isolation: str) -> Row:
        away = Away(1)
        getattr(away, name)(isolation)
        return away.rows[0]  # type: ignore[no-any-return]

    def took(self, row: Row, least: float, most: float) -> None:
        self.assertTrue(least <= row.times[0] <= most + SLACK_S, row)

    def test_cancel(self) -> None:
        row = self.one("cancels", "thread")
        self.assertEqual(row.results, ["FAILED DETACHED" + LEFT_BEHIND])
        self.took(row, 0, 0.65)
        row = self.one("cancels", "process")
        self.assertEqual(row.results, ["CANCELLED ECANCELED"])
        self.took(row, 0, 0.35)

    def test_free(self) -> None:
        row = self.one("frees", "thread")
        self.assertEqual(row.results, ["freed" + LEFT_BEHIND])
        self.took(row, 0, 0.65)
        row = self.one("frees", "process")
        self.assertEqual(row.results, ["freed"])
        self.took(row, 0, 0.35)

    def test_a_deadline(self) -> None:
        row = self.one("deadlines", "thread")
        self.assertEqual(row.results, ["FAILED ETIMEDOUT" + LEFT_BEHIND])
        self.took(row, 0.5, 0.5 + 0.65)
        row = self.one("deadlines", "process")
        self.assertEqual(row.results, ["FAILED ETIMEDOUT"])
        self.took(row, 0.5, 0.5 + 0.65)

    def test_attempts_of_a_source_are_spent_one_by_one(self) -> None:
        for isolation, detached in (("thread", 2), ("process", 0)):
            row = self.one("spent", isolation)
            self.assertEqual(row.results, [f"FAILED ETIMEDOUT, {detached}{LEFT_BEHIND.removeprefix(',')}"], isolation)
            self.took(row, 2 * 0.5, 2 * (0.5 + 0.25))

    def test_an_alternate_is_read_meanwhile(self) -> None:
        for isolation in ("thread", "process"):
            row = self.one("alternates", isolation)
            self.assertRegex(row.recovered, r"^after [\d.]+ s$", isolation)


if __name__ == "__main__":
    if os.environ.get(MARK):
        unittest.main(verbosity=2)
    done = enter(Path(__file__), *sys.argv[1:])
    if done is None:
        print("skipped: the DNS black hole needs namespaces of its own (unshare -m -n, which needs root)")
        sys.exit(0)
    sys.exit(done.returncode)
