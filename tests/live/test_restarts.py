"""A server that is restarted every 3 s for a minute, on threads and in workers at once. Given a source that gives a stream in real time, when its server is killed again and again, then each
time it is back by one new connection, all that came is in the output, whose times go on, and at the end the engine is at rest. MT_RESTARTS says how often (20)."""

from __future__ import annotations

import os
import unittest
from concurrent.futures import ThreadPoolExecutor

from faults import Amount, bench
from restarts import restarts
from rows import ISOLATIONS, Row
from support import media

TIMES = int(os.environ.get("MT_RESTARTS", "20"))
#: Of the retries (at most 300 ms apart), the look at the stream, and a machine that is busy.
BACK_S = 10


def one(isolation: str) -> Row:
    with bench(Amount(0, 0, 0), isolation) as engine:  # which is at rest at its end
        return restarts(engine, 3, TIMES)


class Restarts(unittest.TestCase):
    def test_a_server_that_is_restarted_for_a_minute(self) -> None:
        media()  # before two ask for it at once
        with ThreadPoolExecutor(len(ISOLATIONS)) as pool:
            for row in pool.map(one, ISOLATIONS):
                with self.subTest(row.isolation):
                    self.assertEqual(row.results, ["SUCCEEDED"])
                    self.assertEqual(row.recovered, f"each time ({TIMES + 1} connections), nothing lost but the outage, no jump")
                    self.assertEqual(len(row.times), TIMES)
                    self.assertLess(max(row.times), BACK_S)
                    print(row.isolation, row.spread())


if __name__ == "__main__":
    unittest.main(verbosity=2)
