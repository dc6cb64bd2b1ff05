"""Scenarios s08 to s10, s17, s22, s24, s90: what goes wrong, and what is said about it."""

import errno
import os

from mt_transcode import Code, Command, Engine, Error, State

from .support import PATIENCE, Scenarios, clip, temporary

NULL = ["-f", "null", "-"]


class Errors(Scenarios):
    def run_fails(self, code, args):
        return self.fails(code, lambda: self.engine.run(args, timeout=PATIENCE))

    def test_s08_missing_file(self):
        missing = temporary("missing.mp4")
        job = self.start(["-i", missing, "-c", "copy", *NULL])
        error = self.fails(-errno.ENOENT, job.wait, PATIENCE)
        self.assertEqual(job.state, State.FAILED)
        self.assertEqual((error.name, error.stage), ("ENOENT", "open input"))
        self.assertEqual((error.input_index, error.output_index), (0, -1))
        self.assertIn(missing, error.url)
        self.assertTrue(error.message and error.hint)
        self.assertIn(error.message, str(error))
        self.assertIn(error.hint, str(error))
        self.assertEqual(job.error().code, -errno.ENOENT)
        self.assertTrue(self.fails(-errno.ENOENT, self.engine.probe, missing).message)

    def test_s09_not_media(self):
        text = temporary("x.mp4")
        with open(text, "w", encoding="utf-8") as file:
            file.writelines(f"This is a letter, not a film. Line {line}.\n" for line in range(100))
        error = self.run_fails(Code.DEMUX, ["-i", text, "-c", "copy", *NULL])
        self.assertIn(text, error.url)
        self.assertEqual((error.name, error.input_index), ("DEMUX", 0))
        self.assertTrue(error.hint)

    def test_s10_unknown_names(self):
        for args, unknown in ((["-nosuchoption", "1", *NULL], "nosuchoption"),
                              (["-c:v", "nosuchencoder", *NULL], "nosuchencoder"),
                              (["-c", "copy", "-f", "nosuchformat", "-"], "nosuchformat")):
            with self.subTest(unknown):
                self.assertIn(unknown, self.run_fails(Code.OPTION, ["-i", clip(), *args]).message)
        with self.assertRaises(Error) as caught:
            self.engine.run(["-i", clip(), "-vf", "nosuchfilter", *NULL], timeout=PATIENCE)
        self.assertIn(caught.exception.code, (Code.FILTER, Code.OPTION))
        self.assertIn("nosuchfilter", caught.exception.message)
        output = self.engine.job().output("x.mkv")
        self.assertIn("nosuchoption", self.fails(Code.OPTION, output.set, "nosuchoption", "1").message)

    def test_s17_not_utf8(self):
        job = self.engine.job()
        bad = os.fsdecode(b"in\xff.mp4")  # as os.listdir gives such a name
        for raw in (b"in\xff.mp4", bad):
            self.fails(-errno.EILSEQ, job.set_label, raw)
            self.fails(-errno.EILSEQ, job.set_option, raw, "1")
            # Names of files and values of options are bytes.
            self.fails(-errno.ENOENT, self.engine.probe, raw)
            named = self.engine.job()
            named.set_args(["-i", raw, "-metadata", b"title=\xfe", "out.mp4"])
            named.close()
        job.input(bad).set("f", b"m\xffp4")
        job.output(bad).set("metadata", b"title=\xfe")
        for call in (job.set_label, job.input, self.engine.probe):
            with self.assertRaises(ValueError):
                call("a\0b")  # would end the string early in C
        job.close()

    def test_s22_secrets(self):
        job = self.start(["-i", "http://user:hunter2@127.0.0.1:1/live?token=hunter2", "-c", "copy", *NULL])
        with self.assertLogs("mt_transcode", "DEBUG") as logs:
            events = list(job.events(PATIENCE))
            self.assertLess(job.result(PATIENCE), 0)
        error = job.error()
        self.assertIn("127.0.0.1", error.url)
        for text in (repr(events), repr(vars(error)), job.command(Command.MASKED), repr(self.engine.jobs()), repr(logs.output)):
            self.assertNotIn("hunter2", text)
        self.assertIn("hunter2", job.command())  # the whole command can be replayed

    def test_s24_cannot_write(self):
        lost = temporary("no/such/folder/out.mkv")
        self.run_fails(-errno.ENOSPC, ["-i", clip(), "-c", "copy", "-f", "matroska", "/dev/full"])
        error = self.run_fails(-errno.ENOENT, ["-i", clip(), "-c", "copy", lost])
        self.assertEqual(error.output_index, 0)
        self.assertIn(lost, error.url)
        self.assertTrue(error.message and error.hint)

    def test_s90_capture(self):
        text, folder = temporary("letter.mp4"), temporary("captures")
        with open(text, "w", encoding="utf-8") as file:
            file.writelines(f"This is a letter, not a film. Line {line}.\n" for line in range(100))
        self.fails(-errno.EINVAL, lambda: Engine(capture_count=3))
        with Engine(capture_on_failure=folder, retry_crashed=True, quarantine_crashed=True) as engine:
            error = self.fails(Code.DEMUX, lambda: engine.run(["-i", text, *NULL], timeout=PATIENCE))
            (capture,) = os.listdir(folder)
            self.assertIn(os.path.join(folder, capture), error.detail)
            self.assertIn("command.json", os.listdir(os.path.join(folder, capture)))
            self.assertEqual((engine.quarantine(), engine.clear_quarantine()), ([], 0))
