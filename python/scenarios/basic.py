"""Scenarios s01 to s04, s23, s28, s29: what the library is for."""

import errno
import shlex
import subprocess

import mt_transcode
from mt_transcode import Code, Command, Error, State

from .support import PATIENCE, Scenarios, clip, stream, temporary


class Basic(Scenarios):
    def test_s01_version_and_codes(self):
        self.assertEqual(mt_transcode._lib.mt_transcode_abi_version(), mt_transcode.ABI_VERSION)
        self.assertIn(".", mt_transcode.version())
        codes = [int(code) for code in Code] + [-errno.ENOENT, -errno.EINVAL, -errno.EAGAIN, -errno.ECANCELED, -errno.ETIMEDOUT,
                                                -errno.ESHUTDOWN, -errno.EILSEQ, -errno.EBADF, -errno.EPERM, -errno.ENODATA]
        unknown = mt_transcode.strerror(-987654)
        self.assertTrue(unknown)
        for code in codes:
            self.assertNotIn(mt_transcode.strerror(code), ("", unknown), code)
        self.assertEqual(len({mt_transcode.error_name(code) for code in codes}), len(codes))
        for code in Code:
            self.assertEqual(mt_transcode.error_name(code), code.name)
        self.assertEqual(mt_transcode.strerror(-1001), "demuxing failed")

    def test_s02_generate(self):
        job = self.start(["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v", "libx264",
                          "-preset", "ultrafast", "-c:a", "aac", temporary("generated.mp4")])
        self.assertEqual(job.result(PATIENCE), 0)
        self.assertEqual(job.state, State.SUCCEEDED)
        self.assertTrue(job.state.is_final)

    def test_s03_probe(self):
        probed = self.engine.probe(clip(), timeout=PATIENCE)
        video = stream(probed, "h264")
        self.assertEqual((video["width"], video["height"]), (320, 240))
        self.assertTrue(stream(probed, "aac"))
        self.assertAlmostEqual(float(probed["format"]["duration"]), 2, delta=0.1)
        self.fails(Code.DEMUX, self.engine.probe, clip(), {"f": "wav"})  # options reach the demuxer
        self.assertEqual(mt_transcode.probe(clip())["format"]["duration"], probed["format"]["duration"])

    def test_s83_probe_shows(self):
        found = self.engine.probe(clip(), {"mt_show": "packets,frames,chapters", "mt_read_intervals": "%+#3"}, timeout=PATIENCE)
        self.assertEqual(list(found), ["packets_and_frames", "chapters"])
        kinds = [one["type"] for one in found["packets_and_frames"]]
        self.assertEqual(kinds.count("packet"), 3)
        self.assertIn("frame", kinds)
        self.fails(Code.OPTION, self.engine.probe, clip(), {"mt_show": "nonsense"})

    def test_s04_remux_by_functions(self):
        out = temporary("remuxed.mkv")
        with self.engine.job() as job:
            source = job.input(clip())
            source.commit()
            self.fails(-errno.EALREADY, source.commit)
            source.close()
            job.output(out).set("c", "copy").commit()
            stats = job.run(PATIENCE)
        self.assertGreater(stats.packets_read, 0)
        self.assertEqual(stats.packets_written, stats.packets_read)
        probed = self.engine.probe(out)
        self.assertTrue(stream(probed, "h264"))
        self.assertTrue(stream(probed, "aac"))

    def test_s23_command(self):
        args = ["-f", "lavfi", "-i", "testsrc2=d=1:s=64x48", "-metadata", "title=it's a \"$HOME\" `x` \\ *", "-c:v", "libx264",
                "-f", "matroska", "/tmp/some one's file.mkv"]
        job = self.engine.job(args)
        command = job.command()
        words = shlex.split(command)
        self.assertEqual(words[0], "ffmpeg")
        for argument in args:
            self.assertIn(argument, words)
        script = "set -- %s; printf '%%s\\n' \"$@\"" % command
        by_shell = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
        self.assertEqual(by_shell.splitlines(), words)
        self.assertTrue(job.command(Command.FFMPEG | Command.MASKED).startswith("ffmpeg "))
        self.fails(-errno.EINVAL, job.command, 1 << 30)
        job.close()

    def test_s28_two_outputs_one_decode(self):
        small, playlist = temporary("small.mp4"), temporary("list.m3u8")
        encode = {"c:v": "libx264", "preset": "ultrafast"}
        with self.engine.job() as job:
            job.input(clip())
            job.output(small, {"s": "160x120", "an": None, **encode})
            job.output(playlist, {"f": "hls", "c:a": "aac", **encode})
            job.run(PATIENCE)
        first, second = self.engine.probe(small), self.engine.probe(playlist)
        self.assertEqual((stream(first, "h264")["width"], stream(first, "h264")["height"]), (160, 120))
        self.assertFalse(stream(first, "aac"))
        self.assertTrue(stream(second, "h264"))
        self.assertTrue(stream(second, "aac"))

    def test_s29_diagnostics(self):
        found = mt_transcode.diagnostics()
        text = repr(found)
        self.assertIn(mt_transcode.version(), text)
        self.assertIn("libavformat", text)
        self.assertIn("libavcodec", text)
        self.assertIn("licen", text)
        self.assertIn("GPL", text)

    def test_run_of_the_module(self):
        out = temporary("run.mkv")
        self.assertGreater(mt_transcode.run(["-i", clip(), "-c", "copy", out], label="run", timeout=PATIENCE).packets_written, 0)
        with self.assertRaises(Error):
            mt_transcode.run(["-i", temporary("missing.mp4"), out])
