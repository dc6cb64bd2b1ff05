"""Each way of glass.py once: pictures that a job sends by a protocol come out of another one, each of them found again by its last bytes. How long that takes is `make faults`' to say."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import glass
from mt_transcode import Engine
from peers import eventually
from support import is_at_rest

#: Generous: HLS waits for a segment of a second, and the machine may be busy.
UNDER_WAY_S = 10


class Glass(unittest.TestCase):
    def test_pictures_come_by_every_protocol(self) -> None:
        with tempfile.TemporaryDirectory(prefix="mt-glass-") as folder, Engine() as engine:
            for way in glass.ways(Path(folder)):
                with self.subTest(way.name):
                    # HLS gives those of a segment at once, so for a second perhaps none
                    times = glass.packets(engine, way, 2.5)
                    self.assertGreater(len(times), glass.RATE / 2)
                    self.assertLess(max(times), UNDER_WAY_S)
            eventually("an engine at rest", lambda: is_at_rest(engine))


if __name__ == "__main__":
    unittest.main(verbosity=2)
