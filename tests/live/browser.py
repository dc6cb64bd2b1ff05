"""Headless Chromium by its DevTools protocol over two pipes, which needs no package: a page, what its scripts say, what its console was told."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
)  # fmt: skip


class Browser:
    """One page. A machine without Chromium skips the test that asks for it."""

    def __init__(self, folder: Path) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise unittest.SkipTest("Chromium is not installed: scripts/setup-live.sh does it")
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={folder}/profile", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        # It reads commands from descriptor 3 and writes to 4.
        shell = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        with (folder / "browser.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", shell, "browser", program, *flags, "about:blank"], pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.calls = 0
        self.session: str | None = None
        self.complaints: list[str] = []

    def open(self, url: str) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next_message(60)
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def next_message(self, patience: float) -> dict[str, Any]:
        until = time.monotonic() + patience
        while b"\0" not in self.buffer:
            if not select.select([self.read_end], [], [], max(0.0, until - time.monotonic()))[0]:
                raise AssertionError("Chromium does not answer")
            data = os.read(self.read_end, 1 << 16)
            if not data:
                raise AssertionError(f"Chromium ended: {self.process.wait(10)}")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        self.listen(message)
        return message

    def listen(self, message: dict[str, Any]) -> None:
        """Keeps what the console was told of errors, and those that nobody caught."""
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("exception", params).get("description", params)))
        elif message.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(" ".join(str(arg.get("value", arg)) for arg in params["args"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def end(self) -> None:
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        os.close(self.write_end)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
