"""The page of go/examples/livehub in headless Chromium: HLS by hls.js and HTTP-FLV by mpegts.js both play, and the console has no complaint. MT_LIVEHUB is the
program, MT_LIVEHUB_SCRIPTS where `npm ci` put the players; without them, or without Chromium, it is skipped."""

from __future__ import annotations

import json
import os
import signal
import unittest
import urllib.request
from pathlib import Path

from browser import Browser
from peers import Livehub, eventually
from support import Live, media

POSITIONS = "({hls: document.getElementById('hls')?.currentTime ?? 0, flv: document.getElementById('flv')?.currentTime ?? 0})"
PICTURES = "[...document.querySelectorAll('video')].map(video => video.getVideoPlaybackQuality().totalVideoFrames)"


def hub_with_players(folder: Path) -> Livehub:
    scripts = Path(os.environ.get("MT_LIVEHUB_SCRIPTS", "none"))
    if not (scripts / "hls.js/LICENSE").is_file() or not (scripts / "mpegts.js/LICENSE").is_file():
        raise unittest.SkipTest("hls.js and mpegts.js are not installed: scripts/setup-live.sh does it")
    return Livehub(folder, str(media() / "clip.mp4"), "-scripts", str(scripts))


def viewers(hub: Livehub) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.port}/status", timeout=10) as answer:
        return int(json.load(answer)["watch"]["now"])


class Page(Live):
    def test_both_players_play(self) -> None:
        with hub_with_players(self.folder) as hub:
            with Browser(self.folder) as browser:
                browser.open(f"http://127.0.0.1:{hub.port}/")
                for player in ("hls", "flv"):
                    self.advances(browser, hub, player)
                self.assertTrue(all(pictures > 10 for pictures in browser.evaluate(PICTURES)), browser.evaluate(PICTURES))
                self.assertEqual(viewers(hub), 1)
                self.assertEqual(browser.complaints, [])
            # a browser that is closed has no output any more, and the end is a good one
            eventually("the viewer is gone", lambda: viewers(hub) == 0)
            hub.process.send_signal(signal.SIGTERM)
            self.assertEqual(hub.process.wait(30), 0, hub.said())
            self.assertIn("#EXT-X-ENDLIST", (hub.hls / "index.m3u8").read_text())

    def advances(self, browser: Browser, hub: Livehub, player: str) -> None:
        """Waits until a player has played two seconds from where it began."""
        first: list[float] = []

        def plays() -> bool:
            at = float(browser.evaluate(POSITIONS)[player])
            if not first and at > 0:
                first.append(at)
            return bool(first) and at >= first[0] + 2

        try:
            eventually(f"{player} plays", plays, 60)
        except AssertionError as error:
            raise AssertionError(f"{error}: {browser.complaints}; {browser.evaluate(POSITIONS)}; {hub.said()[-2000:]}") from error


if __name__ == "__main__":
    unittest.main(verbosity=2)
