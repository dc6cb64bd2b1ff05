"""Scenarios s39 to s51, s56 to s58, s63 to s65: bytes go into a job by pipes and come out of it."""

import errno
import os

import mt_transcode
from mt_transcode import Code, Engine, Error, EventType, State

from .support import (
    COPY_SOON, COPY_TS, ENDLESS, PATIENCE, Background, Scenarios, clip, eventually, feed, long_clip, long_copy, reaches, read_file,
    stream, temporary, ts_clip, ts_copy, ts_path,
)


def feed_again(pipe, block, count):
    """Writes the same again and again, until that is refused, or it was written `count` times."""
    try:
        for _ in range(count):
            pipe.write(block, PATIENCE)
        pipe.close_write()
    except Error as error:
        if error.name != "EPIPE":
            raise


class Flow(Scenarios):
    def copy(self, data, code=0, step=65536, capacity=0):
        """Copies from pipe to pipe: what came out, what ended the reading, what the job ended with."""
        with self.engine.pipe(capacity) as source, self.engine.pipe(capacity) as target:
            job = self.piped(COPY_TS, in_=source, out=target)
            job.start()
            feeding = Background(feed, source, data, step, code)
            chunks, end = [], None
            try:
                chunks.extend(target)
            except Error as error:
                end = error
            feeding.value()
            result = job.result(PATIENCE)
            failed = job.error()
            job.close()
        return b"".join(chunks), end, result, failed

    def test_s39_round_trip(self):
        for step, capacity in ((65536, 0), (1000, 4096), (188, 65536)):
            with self.subTest(step):
                self.assertEqual(self.copy(ts_clip(), 0, step, capacity), (ts_copy(), None, 0, None))
        self.leaves_nothing()

    def test_s40_bytewise(self):
        with self.engine.pipe() as source, self.engine.pipe() as target:
            job = self.piped(COPY_TS, in_=source, out=target)
            job.start()
            feeding = Background(feed, source, ts_clip(), 1)
            out = b"".join(iter(lambda: target.read(1, PATIENCE), b""))
            feeding.value()
            job.wait(PATIENCE)
            job.close()
        self.assertEqual(out, ts_copy())
        self.leaves_nothing()

    def test_s41_producer_stops(self):
        half = ts_clip()[:len(ts_clip()) // 2 + 77]
        first, again = self.copy(half), self.copy(half)
        self.assertEqual(first, again)
        self.assertEqual(first[1:], (None, 0, None))
        self.assertEqual(len(first[0]) % 188, 0)
        out, end, result, _ = self.copy(b"")
        self.assertEqual((out, end.code, result), (b"", Code.DEMUX, Code.DEMUX))
        self.leaves_nothing()

    def test_s42_producer_fails(self):
        for code in (-errno.EIO, Code.LIMIT):
            for size in (0, len(ts_clip()) // 2):
                with self.subTest((code, size)):
                    _, end, result, failed = self.copy(ts_clip()[:size], code)
                    self.assertEqual((end.code, result, failed.code, failed.input_index), (code, code, code, 0))
                    self.assertIn("mt:in", failed.url)
        self.leaves_nothing()

    def test_s43_consumer_vanishes(self):
        with self.engine.pipe(4096) as source, self.engine.pipe(4096) as target:
            job = self.piped(COPY_SOON, in_=source, out=target)
            job.start()
            feeding = Background(feed, source, long_clip())
            target.read(188, PATIENCE)
            target.close_read()
            error = self.fails(-errno.EPIPE, job.wait, PATIENCE)
            self.assertEqual(error.output_index, 0)
            self.assertLess(feeding.value(), len(long_clip()))
            job.close()
        self.leaves_nothing()

    def test_s44_slow_consumer(self):
        with self.engine.pipe(4096) as source, self.engine.pipe(4096) as target:
            job = self.piped(COPY_SOON, in_=source, out=target)
            job.start()
            feeding = Background(feed, source, long_clip())
            self.assertTrue(eventually(lambda: source.stats().fill_bytes == target.stats().fill_bytes == 4096))
            out, most = [], 0
            for chunk in target:
                out.append(chunk)
                most = max(most, self.engine.stats().queued_bytes)
            feeding.value()
            job.wait(PATIENCE)
            job.close()
        self.assertEqual(b"".join(out), long_copy())
        self.assertTrue(0 < most <= 8192, most)
        self.leaves_nothing()

    def test_s45_high_water(self):
        with self.engine.pipe(8192, 1024, 0, 50) as target:
            job = self.piped(["-i", ts_path(), "-c", "copy", "-f", "mpegts", "mt:out"], out=target)
            job.start()
            event = next(one for one in job.events(PATIENCE) if one.type == EventType.PIPE_HIGH_WATER)
            self.assertEqual((event.text, event.file_index), ("out", -1))
            self.assertTrue(4096 <= event.size_bytes <= 8192)
            self.assertEqual(target.read(), ts_copy())
            job.wait(PATIENCE)
            job.close()
        self.leaves_nothing()

    def test_s46_flush(self):
        for interval in (0, 0.001, 1, None):
            with self.subTest(interval), self.engine.pipe() as source, self.engine.pipe(0, 16384, interval) as target:
                job = self.piped(COPY_SOON, in_=source, out=target)
                job.start()
                half = len(long_clip()) // 2
                feeding = Background(source.write, long_clip()[:half], PATIENCE)
                first = target.read(65536, PATIENCE)  # while the input is open
                rest = Background(target.read)
                self.assertEqual(feeding.value(), half)
                feed(source, long_clip()[half:])
                self.assertEqual(first + rest.value(), long_copy())
                job.wait(PATIENCE)
                job.close()
        self.leaves_nothing()

    def test_s47_bind(self):
        source, other, target = self.engine.pipe(), self.engine.pipe(), self.engine.pipe()
        job = self.piped(COPY_TS, in_=source)
        self.assertIn("out", self.fails(Code.OPTION, job.start).message)
        job.bind("out", target, "w")
        self.fails(-errno.EEXIST, job.bind, "in", other, "r")
        self.fails(-errno.EBUSY, job.bind, "again", source, "r")
        for bad in ("", "a/b", "x" * 65):
            self.fails(-errno.EINVAL, job.bind, bad, other, "r")
        self.fails(-errno.EINVAL, job.bind, "other", other)  # no side
        job.bind("unused", other, "r")
        self.assertIn("unused", self.fails(Code.OPTION, job.start).message)
        job.close()
        job = self.piped(COPY_TS, in_=source, out=target)  # free again
        job.start()
        self.fails(-errno.EBUSY, job.bind, "late", other, "r")
        self.fails(-errno.EBUSY, source.read, 1)
        job.close()
        for pipe in (source, other, target):
            pipe.close()
        self.leaves_nothing()

    def test_s48_free_while_bound(self):
        for which in ("source", "target"):
            with self.subTest(which), self.engine.pipe(4096) as source, self.engine.pipe(4096) as target:
                job = self.piped(COPY_SOON, in_=source, out=target)
                job.start()
                feeding = Background(feed, source, long_clip())
                target.read(188, PATIENCE)
                (source if which == "source" else target).close()
                rest = Background(lambda: [None for _ in target])  # keeps the output going
                self.assertEqual(job.result(PATIENCE), -errno.EPIPE)
                feeding.value()
                with self.assertRaises(Error):
                    rest.value()
                job.close()
        self.leaves_nothing()

    def test_s49_cancel(self):
        with self.engine.pipe() as source, self.engine.pipe() as target:
            job = self.piped(COPY_TS, in_=source, out=target)
            job.start()
            self.assertTrue(reaches(job, State.OPENING))
            job.cancel()
            self.assertEqual(job.result(PATIENCE), -errno.ECANCELED)
            self.fails(-errno.EPIPE, source.write, b"x")
            self.fails(-errno.ECANCELED, target.read)
            job.close()
        self.leaves_nothing()

    def test_s50_endless_input(self):
        ts = ["-f", "mpegts", "-i", "mt:in"]  # without an end FFmpeg looks for a packet for ever
        for args, block, count, code in ((["-i", "mt:in"], bytes(1 << 20), 1 << 20, Code.DEMUX), (ts, os.urandom(1 << 20), 8, Code.DEMUX),
                                         (ts, bytes(1 << 20), 1 << 20, -errno.ECANCELED)):
            with self.subTest(args), self.engine.pipe() as source:
                job = self.piped([*args, "-c", "copy", "-f", "null", "-"], in_=source)
                job.start()
                feeding = Background(feed_again, source, block, count)
                if code == -errno.ECANCELED:
                    self.assertTrue(eventually(lambda: source.stats().read_bytes > 8 << 20))
                    job.cancel()
                self.fails(code, job.wait, PATIENCE)
                feeding.value()
                job.close()
        self.leaves_nothing()

    def test_s51_queue_timeout(self):
        with Engine(max_running=1, queue_timeout=0.001) as engine:
            running = self.start(ENDLESS, engine)
            self.assertTrue(reaches(running, State.RUNNING))
            job = self.start(ENDLESS, engine)
            self.fails(-errno.ETIMEDOUT, job.wait, PATIENCE)
            running.close()
            job.close()
            self.leaves_nothing(engine)

    def test_s56_index_at_the_end(self):
        for options, code in (([], 0), (["-mt_seek_buffer", "1000"], Code.LIMIT)):
            with self.subTest(options), self.engine.pipe() as source:
                job = self.piped([*options, "-i", "mt:in", "-c", "copy", "-f", "null", "-"], in_=source)
                job.start()
                feeding = Background(feed, source, read_file(clip()))
                self.assertEqual(job.result(PATIENCE), code)
                feeding.value()
                if code:
                    self.assertIn("faststart", job.error().hint)
                    self.assertIn("mt_seek_buffer", job.error().hint)
                job.close()
        self.leaves_nothing()

    def test_s57_mp4_to_a_pipe(self):
        path = temporary("fragments.mp4")
        with self.engine.pipe() as target:
            job = self.piped(["-i", clip(), "-c", "copy", "-f", "mp4", "mt:out"], out=target)
            error = self.fails(Code.UNSUPPORTED, job.run, PATIENCE)
            self.assertIn("-movflags +frag_keyframe+empty_moov", error.hint)
            job.close()
        with self.engine.pipe() as target, open(path, "wb") as file:
            job = self.piped(["-i", clip(), "-c", "copy", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov", "mt:out"], out=target)
            job.start()
            file.writelines(target)
            job.wait(PATIENCE)
            job.close()
        self.assertTrue(stream(self.engine.probe(path), "h264"))
        self.leaves_nothing()

    def test_s58_self_contained(self):
        script = f"ffconcat version 1.0\nfile '{ts_path()}'\n".encode()
        with self.assertRaises(Error) as caught:
            self.engine.run(["-i", "mt:in", "-c", "copy", "-f", "null", "-"], timeout=PATIENCE, bind={"in": script})
        self.assertEqual(caught.exception.code, Code.UNSUPPORTED)
        self.leaves_nothing()

    def test_s63_probe(self):
        with self.engine.pipe(4096) as source, self.engine.pipe() as target:
            feeding = Background(feed, source, ts_clip())
            probed = source.probe({"f": "mpegts"}, timeout=PATIENCE)
            filed = self.engine.probe(ts_path(), {"f": "mpegts"})
            names = ("codec_name", "codec_type", "width", "height", "pix_fmt", "sample_rate", "channels", "start_time")
            for one, other in zip(probed["streams"], filed["streams"], strict=True):
                self.assertEqual([one.get(name) for name in names], [other.get(name) for name in names])
            job = self.piped(COPY_TS, in_=source, out=target)
            job.start()
            self.assertEqual(target.read(), ts_copy())
            feeding.value()
            job.wait(PATIENCE)
            job.close()
        self.leaves_nothing()

    def test_s64_probe_refuses(self):
        large = temporary("large.mp4")
        self.engine.run(["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2,noise=alls=60:allf=t", "-c:v", "mpeg4", "-q:v", "4", large])
        for data, limit, code in ((b"", 0, Code.DEMUX), (ts_clip()[:100], 0, Code.DEMUX), (b"A letter, not a film. " * 9, 0, Code.DEMUX),
                                  (read_file(large), 4096, Code.LIMIT)):
            with self.subTest(len(data)), self.engine.pipe() as source:
                feeding = Background(feed, source, data)
                self.assertTrue(self.fails(code, source.probe, (), limit, PATIENCE).hint)
                self.assertEqual(source.read(), data)
                feeding.value()
        with self.engine.pipe() as source:
            self.fails(-errno.ETIMEDOUT, source.probe, (), 0, 0.05)
        self.leaves_nothing()

    def test_s65_memory_budget(self):
        with Engine(memory_budget_bytes=4 << 20) as engine:
            self.fails(Code.LIMIT, engine.pipe, 64 << 20)
            first = engine.pipe(3 << 20)
            self.fails(-errno.EAGAIN, engine.pipe, 3 << 20)
            first.close()
            engine.pipe(3 << 20).close()
            self.leaves_nothing(engine)
