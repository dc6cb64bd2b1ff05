"""Captures, replays, retries and quarantine. Given a host in Python, when jobs of it fail, then what is needed to repeat them is kept, and repeats them; crashes in workers
are retried and their inputs refused where the engine is told so. `make test-crash` sets MT_STAGE and MT_HOSTS; the host is this process."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import stat
import subprocess
import unittest
from collections.abc import Iterator
from pathlib import Path

from mt_transcode import Engine, Error, Job, MemoryStore
from test_isolation import CRASHED, HOSTS, STAGE, Isolated

DEMUX, QUARANTINED = -1001, -1020
PROGRAM = STAGE / "bin/mt-transcode"
ENCODED = "-y -i mt:in -c:v mpeg4 -bitexact -threads 1".split()
FILES = ["command.json", "diagnostics.json", "events.jsonl"]


class Once(io.RawIOBase):
    """Bytes that cannot seek, and endless where `times` says so."""

    def __init__(self, data: bytes, times: int = 1) -> None:
        self.rest, self.data, self.times = data, data, times
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self.rest and self.times > 1:
            self.rest, self.times = self.data, self.times - 1
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        self.given += count
        return count


class Case(Isolated):
    clip: bytes

    @classmethod
    def setUpClass(cls) -> None:
        make = "-v error -f lavfi -i testsrc2=s=320x240:r=25:d=4 -c:v mpeg2video -b:v 4M -f mpegts -".split()
        cls.clip = subprocess.run([PROGRAM, *make], stdout=subprocess.PIPE, check=True, timeout=60).stdout
        assert len(cls.clip) > 300_000, len(cls.clip)

    def setUp(self) -> None:
        super().setUp()
        self.captures = self.folder / "captures"

    @contextlib.contextmanager
    def faulty(self, fault: str, call: int = 0, once: bool = False, **options: object) -> Iterator[Engine]:
        more = {"MT_FAULT_CALL": str(call) if call else "", "MT_FAULT_ONCE": str(self.folder / "once") if once else ""}
        os.environ.update({key: value for key, value in more.items() if value})
        try:
            with self.engine(fault, **options) as engine:
                yield engine
        finally:
            for key in more:
                os.environ.pop(key, None)

    def encode(self, engine: Engine, source: object, label: str = "bad", args: list[str] | None = None) -> Job:
        job = engine.job([*(args or ENCODED), *([] if args else [str(self.folder / f"{label}.mkv")])], label=label)
        if source is not None:
            job.bind("in", source)
        job.start()
        return job

    def one_capture(self) -> Path:
        (capture,) = self.captures.iterdir()
        return capture

    def replay(self, *args: object, fault: str = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "LD_PRELOAD": str(HOSTS / "fault.so"), "MT_FAULT": fault}
        return subprocess.run([PROGRAM, "replay", *map(str, args)], capture_output=True, text=True, timeout=60, env=env, check=False)


class Captures(Case):
    def test_a_crash_is_captured_and_repeated(self) -> None:
        fault = "segv@avcodec_send_frame"
        with self.faulty(fault, capture_on_failure=self.captures) as engine:
            with self.assertLogs("mt_transcode", "WARNING") as logs:
                error = self.fails(self.encode(engine, Once(self.clip)), CRASHED)
            capture = self.one_capture()
            self.assertIn(str(capture), error.detail)
            self.assertIn(str(capture), "\n".join(logs.output), "an event names it")
        self.assertRegex(capture.name, r"^\d{8}T\d{6}\.\d{3}Z-\d+-CRASHED$")
        self.assertEqual(sorted(path.name for path in capture.iterdir()), sorted([*FILES, "report.txt", "input-in.bin"]))
        command = json.loads((capture / "command.json").read_text())
        self.assertEqual([command[key] for key in ("label", "state", "isolation")], ["bad", "failed", "process"])
        self.assertEqual((command["error"]["name"], command["error"]["stage"]), ("CRASHED", "encode"))
        self.assertIn("fault_segv", subprocess.run([PROGRAM, "symbolize", capture / "report.txt"], capture_output=True, text=True, check=True).stdout)
        (about,) = command["inputs"]
        self.assertTrue(self.clip.startswith((capture / "input-in.bin").read_bytes()))
        self.assertEqual((about["name"], len(about["regions"])), ("in", 1))
        self.assertIn("mt_transcode", json.loads((capture / "diagnostics.json").read_text()))
        events = [json.loads(line) for line in (capture / "events.jsonl").read_text().splitlines()]
        self.assertEqual(events[0]["event"], "state")
        for path in [capture, *capture.iterdir()]:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o700 if path == capture else 0o600, path)
        done = self.replay(capture, fault=fault)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("the same", done.stdout)
        done = self.replay(capture)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("not the same", done.stdout)

    def test_a_decode_error_on_threads_is_captured_and_repeated(self) -> None:
        with Engine(capture_on_failure=self.captures) as engine:
            self.fails(self.encode(engine, Once(b"no media at all, " * 3000)), DEMUX)
        capture = self.one_capture()
        self.assertEqual(json.loads((capture / "command.json").read_text())["isolation"], "thread")
        self.assertFalse((capture / "report.txt").exists())
        for how in ([], ["--isolation", "thread"]):
            done = self.replay(*how, capture)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_secret_is_in_any_file(self) -> None:
        urls = ["rtmp://someone:hunter2@127.0.0.1:1/live/STREAMKEY", "http://127.0.0.1:1/a.ts?token=TOKEN"]
        for url in urls:
            with Engine(capture_on_failure=self.captures) as engine:
                job = self.encode(engine, Once(self.clip), args=["-y", "-i", "mt:in", "-headers", "X-Key: HEADER", "-i", urls[1], "-i", url,
                                                                 "-map", "0", "-f", "flv", urls[0]])
                with self.assertRaises(Error):
                    job.wait(60)
        for path in self.captures.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            for secret in (b"hunter2", b"STREAMKEY", b"TOKEN", b"HEADER"):
                self.assertNotIn(secret, content, path)
        done = self.replay(sorted(self.captures.iterdir())[0])
        self.assertEqual(done.returncode, 2)
        self.assertIn("--set input1=", done.stderr)

    def test_what_was_masked_can_be_set(self) -> None:
        with Engine(capture_on_failure=self.captures) as engine:
            with self.assertRaises(Error):
                self.encode(engine, None, args=["-y", "-i", "http://127.0.0.1:1/a.ts?token=TOKEN", "-f", "null", "-"]).wait(60)
        capture = self.one_capture()
        done = self.replay("--set", "input0=http://127.0.0.1:1/a.ts?token=OTHER", capture)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.replay("--set", "input7=x", capture).returncode, 2)

    def test_an_input_of_50_mb_is_kept_to_the_limit(self) -> None:
        times = 60_000_000 // len(self.clip)
        source, copied = Once(self.clip, times), ["-y", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "/dev/null"]
        with self.faulty("segv@av_interleaved_write_frame", call=times * 95, capture_on_failure=self.captures, capture_bytes=300_000) as engine:
            self.fails(self.encode(engine, source, args=copied), CRASHED)
        self.assertGreater(source.given, 50_000_000)
        capture = self.one_capture()
        self.assertEqual((capture / "input-in.bin").read_bytes(), self.clip[:300_000])
        self.assertTrue(json.loads((capture / "command.json").read_text())["inputs"][0]["is_cut"])
        self.assertIn("cut off", self.replay(capture).stderr)

    def test_a_seekable_input_is_kept_as_it_was_read(self) -> None:
        movie = self.folder / "movie.mp4"
        make = "-v error -f lavfi -i testsrc2=s=320x240:r=25:d=4 -c:v mpeg4 -b:v 4M".split()
        subprocess.run([PROGRAM, *make, movie], check=True, timeout=60)
        with self.faulty("segv@avcodec_send_frame", capture_on_failure=self.captures) as engine, movie.open("rb") as file:
            self.fails(self.encode(engine, file), CRASHED)
        capture, data = self.one_capture(), movie.read_bytes()
        kept = (capture / "input-in.bin").read_bytes()
        for at, length in json.loads((capture / "command.json").read_text())["inputs"][0]["regions"]:
            self.assertEqual(kept[:length], data[at : at + length])
            kept = kept[length:]
        done = self.replay(capture, fault="segv@avcodec_send_frame")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_more_captures_than_wanted(self) -> None:
        self.captures.mkdir()
        (self.captures / "mine").mkdir()
        with Engine(capture_on_failure=self.captures, capture_count=3) as engine:
            for index in range(5):
                self.fails(self.encode(engine, b"bad", label=f"job{index}"), DEMUX)
        names = sorted(path.name for path in self.captures.iterdir())
        self.assertEqual(len(names), 4)
        labels = [json.loads((self.captures / name / "command.json").read_text())["label"] for name in names if name != "mine"]
        self.assertEqual(labels, ["job2", "job3", "job4"])

    def test_what_the_host_ends_is_not_captured(self) -> None:
        with Engine(capture_on_failure=self.captures) as engine:
            job = self.encode(engine, None, args=["-y", "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-"])
            job.cancel()
            self.fails(job, -errno.ECANCELED)
        self.assertEqual(list(self.captures.iterdir()), [])

    def test_the_folder_itself_is_made(self) -> None:
        with Engine(capture_on_failure=self.captures):
            self.assertEqual(stat.S_IMODE(self.captures.stat().st_mode), 0o700)

    def test_a_folder_that_cannot_be_written_changes_no_result(self) -> None:
        with Engine(capture_on_failure=self.captures) as engine:
            self.captures.rmdir()
            self.captures.write_text("in the way")
            with self.assertLogs("mt_transcode", "WARNING") as logs:
                self.assertNotIn("capture", self.fails(self.encode(engine, b"bad"), DEMUX).detail)
            self.assertIn("no capture could be written", "\n".join(logs.output))
        with self.assertRaises(Error):
            Engine(capture_on_failure=self.captures)

    def test_replays_keep_outputs_and_leave_those_of_the_job_alone(self) -> None:
        with self.faulty("segv@avcodec_send_frame", capture_on_failure=self.captures) as engine:
            self.fails(self.encode(engine, Once(self.clip)), CRASHED)
        theirs, ours = self.folder / "bad.mkv", self.folder / "kept"
        theirs.write_text("theirs")
        self.assertEqual(self.replay("--output", ours, self.one_capture()).returncode, 1)
        self.assertGreater((ours / "bad.mkv").stat().st_size, 1000)
        self.assertEqual(theirs.read_text(), "theirs")

    def test_outputs_in_memory_become_files(self) -> None:
        cases = {"store": (MemoryStore(), "-f hls -hls_time 1 mt:out/list.m3u8", ["out/list.m3u8", "out/list0.ts"]),
                 "pipe": (io.BytesIO(), "-f mpegts mt:out", ["out"])}
        for name, (output, words, files) in cases.items():
            self.captures.mkdir(exist_ok=True)
            with self.subTest(name), self.faulty("segv@avcodec_send_frame", call=60, capture_on_failure=self.captures / name) as engine:
                job = engine.job([*ENCODED, *words.split()])
                job.bind("in", self.clip)
                job.bind("out", output)
                job.start()
                self.fails(job, CRASHED)
                (capture,) = (self.captures / name).iterdir()
                done = self.replay("--output", self.folder / name, capture)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                for file in files:
                    self.assertGreater((self.folder / name / file).stat().st_size, 50, file)

    def test_a_capture_can_be_printed_as_a_command(self) -> None:
        with Engine(capture_on_failure=self.captures) as engine:
            self.fails(self.encode(engine, b"bad"), DEMUX)
        done = self.replay("--print", self.one_capture())
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, re.escape(f"-i {self.one_capture()}/input-in.bin") + ".* -c:v mpeg4")

    def test_what_is_no_capture_is_refused(self) -> None:
        (self.folder / "command.json").write_text("{}")
        for folder in (self.folder, self.folder / "nowhere"):
            self.assertEqual(self.replay(folder).returncode, 2)


class Retries(Case):
    def undisturbed(self, args: list[str] | None = None) -> bytes:
        with self.engine() as engine:
            self.encode(engine, Once(self.clip), label="good", args=args).wait(60)
        return (self.folder / "good.mkv").read_bytes() if args is None else b""

    def test_a_job_is_run_once_more_and_writes_the_same(self) -> None:
        sources = {"pipe": lambda: Once(self.clip), "seekable": lambda: io.BytesIO(self.clip), "copy": lambda: self.clip}
        wanted = self.undisturbed()
        for name, source in sources.items():
            with self.subTest(name), self.faulty("segv@avcodec_send_frame", call=20, once=True, retry_crashed=True, capture_on_failure=self.captures) as engine:
                (self.folder / "once").unlink(missing_ok=True)
                with self.assertLogs("mt_transcode", "WARNING") as logs:
                    self.encode(engine, source()).wait(60)
                self.assertTrue((self.folder / "once").exists(), "it crashed")
                self.assertIn("run once more", "\n".join(logs.output), "an event tells of it")
                self.assertEqual(engine.stats().jobs_retried, 1)
            self.assertEqual((self.folder / "bad.mkv").read_bytes(), wanted)
        captured = [json.loads((path / "command.json").read_text()) for path in self.captures.iterdir()]
        self.assertEqual([one["state"] for one in captured], ["retried"] * len(sources), "the crashes are captured")

    def test_outputs_in_memory_that_had_no_byte_yet(self) -> None:
        with self.faulty("segv@avcodec_send_frame", once=True, retry_crashed=True) as engine:
            job = engine.job([*ENCODED, "-f", "mpegts", "mt:out"])
            received = io.BytesIO()
            job.bind("in", Once(self.clip))
            job.bind("out", received)
            job.run()
            self.assertGreater(len(received.getvalue()), 10_000)
            self.assertEqual(received.getvalue()[0], 0x47)

    def test_a_buffer_is_written_anew(self) -> None:
        with self.faulty("segv@avcodec_send_frame", call=60, once=True, retry_crashed=True) as engine:
            job = engine.job([*ENCODED, "-f", "matroska", "mt:out"])
            job.bind("in", self.clip)
            job.bind_buffer("out")
            job.run()
            self.assertEqual(job.take_buffer("out")[:4], b"\x1a\x45\xdf\xa3")

    def test_why_it_is_not_run_once_more(self) -> None:
        sent = ["-y", "-i", "mt:in", "-c:v", "mpeg4", "-f", "mpegts", "-flush_packets", "1", "mt:out"]
        cases = {"had been written": (Once(self.clip), sent), "-n forbids": (self.clip, ["-n", *ENCODED[1:], str(self.folder / "new.mkv")]),
                 "more than the 65536 bytes": (Once(self.clip), [*ENCODED, str(self.folder / "bad.mkv")])}
        for why, (source, args) in cases.items():
            with self.subTest(why), self.faulty("segv@avcodec_send_frame", call=60, retry_crashed=True, capture_bytes=65536 if "65536" in why else 0) as engine:
                job = engine.job(args)
                job.bind("in", source)
                if args is sent:
                    job.bind("out", io.BytesIO())
                job.start()
                error = self.fails(job, CRASHED)
                self.assertIn("not run once more", str(error))
                self.assertIn(why, str(error))

    def test_the_second_crash_is_the_last(self) -> None:
        with self.faulty("segv@avcodec_send_frame", retry_crashed=True) as engine:
            self.assertIn("it was run once more", str(self.fails(self.encode(engine, self.clip), CRASHED)))
            self.assertEqual(engine.stats().jobs_retried, 1)

    def test_nothing_is_run_once_more_unasked(self) -> None:
        with self.faulty("segv@avcodec_send_frame", once=True) as engine:
            self.assertNotIn("once more", str(self.fails(self.encode(engine, self.clip), CRASHED)))


class Quarantines(Case):
    FAULT = "segv@avcodec_send_frame@enc0:0:bad"

    def test_an_input_that_crashed_twice_is_refused_and_no_other(self) -> None:
        other = self.clip[188 * 4 :]
        kinds = {"pipe": Once, "copy": bytes, "seekable": io.BytesIO}
        for name, kind in kinds.items():
            with self.subTest(name), self.faulty(self.FAULT, retry_crashed=True, quarantine_crashed=True) as engine:
                self.fails(self.encode(engine, kind(self.clip)), CRASHED)
                self.assertEqual(engine.stats().quarantined, 1)
                (entry,) = engine.quarantine()
                self.assertEqual((entry["label"], entry["code"], entry["stage"]), ("bad", CRASHED, "encode"))
                error = self.fails(self.encode(engine, kind(self.clip), label="good"), QUARANTINED)
                self.assertIn("in quarantine since 20", str(error))
                self.assertIn("SIGSEGV", str(error))
                self.encode(engine, kind(other), label="good").wait(60)
                self.assertEqual(engine.clear_quarantine(), 1)
                self.assertEqual((engine.quarantine(), engine.stats().quarantined), ([], 0))
                self.encode(engine, kind(self.clip), label="good").wait(60)

    def test_files_are_known_by_their_beginning_and_size(self) -> None:
        file, longer = self.folder / "in.ts", self.folder / "longer.ts"
        file.write_bytes(self.clip)
        longer.write_bytes(self.clip + b"x")
        with self.faulty(self.FAULT, quarantine_crashed=True) as engine:
            self.fails(self.start(engine, ["-y", "-i", str(file), "-c:v", "mpeg4"], "bad"), CRASHED)
            self.fails(self.start(engine, ["-y", "-i", f"file:{file}", "-c:v", "mpeg4"], "good"), QUARANTINED)
            self.start(engine, ["-y", "-i", str(longer), "-c:v", "mpeg4"], "good").wait(60)

    def test_an_input_beside_another_is_not_blamed_alone(self) -> None:
        logo, file = self.folder / "logo.ts", self.folder / "in.ts"
        logo.write_bytes(self.clip[: 188 * 400])
        file.write_bytes(self.clip)
        both = ["-y", "-i", str(logo), "-i", str(file), "-map", "1:v", "-c:v", "mpeg4"]
        with self.faulty(self.FAULT, quarantine_crashed=True) as engine:
            self.fails(self.start(engine, both, "bad"), CRASHED)
            self.fails(self.start(engine, both, "good"), QUARANTINED)
            self.start(engine, ["-y", "-i", str(logo), "-c:v", "mpeg4"], "good").wait(60)

    def test_a_crash_on_few_bytes_is_known_again(self) -> None:
        with self.faulty("segv@avformat_find_stream_info", quarantine_crashed=True) as engine:
            self.fails(self.encode(engine, Once(self.clip[: 188 * 20])), CRASHED)
            self.fails(self.encode(engine, Once(self.clip[: 188 * 20])), QUARANTINED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
