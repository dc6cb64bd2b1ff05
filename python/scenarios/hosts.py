"""Scenarios s52 to s54, s59 to s62, s66, s67 and s77 to s80: file objects, iterators and stores of the host's in a job."""

import errno
import gc
import io
import os
import socket
import threading

import mt_transcode
from mt_transcode import Code, Error, MemoryStore

from .support import COPY_TS, PATIENCE, Background, Scenarios, clip, eventually, read_file, temporary, ts_clip, ts_copy

COPY_MP4 = ["-i", "mt:in", "-c", "copy", "-f", "mp4", "mt:out"]
SEGMENTED = ["-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac"]
HLS = ["-f", "hls", "-hls_time", "0.4", "-hls_list_size", "2", "-hls_flags", "delete_segments", "-hls_delete_threshold", "1"]
DASH = ["-f", "dash", "-seg_duration", "0.4", "-window_size", "2", "-extra_window_size", "1"]


class Broken(io.BytesIO):
    """A file whose methods raise, or return nonsense."""

    def __init__(self, data=b"", **faults):
        super().__init__(data)
        self.faults = faults

    def fault(self, name):
        wrong = self.faults.get(name)
        if isinstance(wrong, BaseException):
            raise wrong
        return wrong

    def readinto(self, buffer):
        wrong = self.fault("read")
        return super().readinto(buffer) if wrong is None else wrong

    def write(self, data):
        wrong = self.fault("write")
        return super().write(data) if wrong is None else wrong

    def seek(self, *args):
        wrong = self.fault("seek")
        return super().seek(*args) if wrong is None else wrong


class Hosts(Scenarios):
    def run_bound(self, args, **bind):
        return self.engine.run(args, timeout=PATIENCE, bind={name.rstrip("_"): what for name, what in bind.items()})

    def leaves_nothing(self, engine=None):
        gc.collect()
        super().leaves_nothing(engine)
        self.assertTrue(eventually(lambda: not mt_transcode._hosts._hosts))
        self.assertTrue(eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith("mt_transcode ")]))

    def copied(self):
        path = temporary("copied.mp4")
        if not os.path.exists(path):
            self.engine.run(["-i", clip(), "-c", "copy", "-f", "mp4", path])
        return read_file(path)

    def test_s52_io(self):
        target = io.BytesIO()
        self.run_bound(COPY_MP4, in_=io.BytesIO(read_file(clip())), out=target)
        self.assertEqual(target.getvalue(), self.copied())
        with open(clip(), "rb") as source, open(temporary("by-io.mp4"), "wb") as file:
            self.run_bound(COPY_MP4, in_=source, out=file)
            self.assertFalse(source.closed or file.closed)
            self.assertEqual(read_file(file.name), self.copied())  # it was flushed
        target = io.BytesIO()
        self.run_bound(COPY_MP4, in_=read_file(clip()), out=target)
        self.assertEqual(target.getvalue(), self.copied())
        self.leaves_nothing()

    def test_s77_memory(self):
        for data in (read_file(clip()), bytearray(read_file(clip())), memoryview(read_file(clip()))):
            job = self.engine.job(COPY_MP4)
            job.bind("in", data)
            job.bind_buffer("out")
            job.run(PATIENCE)
            self.assertEqual(job.take_buffer("out"), self.copied())
            job.close()
        self.leaves_nothing()

    def test_s78_memory_refusals(self):
        with self.engine.job(COPY_TS) as job:
            job.bind("in", b"")
            for code, call in ((errno.EEXIST, lambda: job.bind("in", b"x")), (errno.EEXIST, lambda: job.bind_buffer("in")),
                               (errno.EINVAL, lambda: job.bind("a b", b"x")), (errno.EINVAL, lambda: job.bind_buffer("")),
                               (errno.ENOENT, lambda: job.take_buffer("out"))):
                with self.assertRaises(Error) as caught:
                    call()
                self.assertEqual(caught.exception.code, -code)
            with self.assertRaises((ValueError, OverflowError)):
                job.bind_buffer("a\0b")
        self.leaves_nothing()

    def test_s79_memory_is_taken_once(self):
        with self.engine.job(COPY_TS) as job:
            job.bind("in", ts_clip())
            job.bind_buffer("out")
            for code in (-errno.EBUSY, None, -errno.EALREADY):
                if code is None:
                    job.run(PATIENCE)
                    self.assertEqual(job.take_buffer("out"), ts_copy())
                    continue
                with self.assertRaises(Error) as caught:
                    job.take_buffer("out")
                self.assertEqual(caught.exception.code, code)
        self.leaves_nothing()

    def test_s80_memory_limit(self):
        with self.engine.job(COPY_TS) as job:
            job.bind("in", ts_clip())
            job.bind_buffer("out", 1000)
            with self.assertRaises(Error) as caught:
                job.run(PATIENCE)
            self.assertEqual(caught.exception.code, Code.LIMIT)
            self.assertLessEqual(len(job.take_buffer("out")), 1000)
        self.leaves_nothing()

    def test_s53_io_nonsense(self):
        for faults in ({"read": 1 << 40}, {"read": -12345}, {"read": 1 << 70}, {"read": "many"}, {"seek": 3}, {"seek": -1}):
            with self.subTest(faults), self.assertRaises(Error) as caught:
                self.run_bound(COPY_MP4, in_=Broken(read_file(clip()), **faults), out=io.BytesIO())
            self.assertEqual(caught.exception.input_index, 0)
        for faults in ({"write": 1 << 40}, {"write": 0}, {"write": -12345}, {"seek": -1}):
            with self.subTest(faults), self.assertRaises(Error) as caught:
                self.run_bound(COPY_MP4, in_=read_file(clip()), out=Broken(**faults))
            self.assertEqual(caught.exception.output_index, 0)
        self.leaves_nothing()

    def test_s54_io_never_returns(self):
        inside, let_go = threading.Event(), threading.Event()

        class Hanging(io.BytesIO):
            def readinto(self, buffer):
                inside.set()
                let_go.wait(PATIENCE)
                return 0

        job = self.engine.job(COPY_MP4)
        job.bind("in", Hanging())
        job.bind("out", io.BytesIO())
        job.start()
        self.assertTrue(inside.wait(PATIENCE))
        job.cancel()
        self.assertEqual(job.result(PATIENCE), Code.DETACHED)
        job.close()
        self.assertEqual(self.engine.stats().detached, 1)
        let_go.set()
        self.leaves_nothing()

    def to_store(self, args, store):
        self.run_bound([*SEGMENTED, *args], store=store)
        return store

    def like_files(self, args, folder, name):
        """The names that the same job makes in a folder, and their bytes."""
        path = temporary(folder)
        os.mkdir(path)
        self.engine.run([*SEGMENTED, *args, os.path.join(path, name)])
        return {one: read_file(os.path.join(path, one)) for one in os.listdir(path)}

    def test_s59_store_hls(self):
        store = self.to_store([*HLS, "mt:store/index.m3u8"], MemoryStore())
        self.assertEqual(dict(store), self.like_files(HLS, "hls", "index.m3u8"))
        self.assertNotIn("index0.ts", store)
        self.leaves_nothing()

    def test_s60_store_dash(self):
        store = dict(self.to_store([*DASH, "mt:store/index.mpd"], MemoryStore()))
        files = self.like_files(DASH, "dash", "index.mpd")
        self.assertTrue(store.pop("index.mpd") and files.pop("index.mpd"))  # it has the time of the day
        self.assertEqual(store, files)
        self.assertNotIn("chunk-stream0-00001.m4s", store)
        self.leaves_nothing()

    def test_s61_store_others(self):
        segment = ["-f", "segment", "-segment_time", "0.4"]
        store = self.to_store([*segment, "mt:store/part%03d.ts"], MemoryStore())
        self.assertEqual(dict(store), self.like_files(segment, "segments", "part%03d.ts"))
        store = self.to_store(["-f", "hls", "-hls_segment_filename", "mt:store/parts/%d.ts", "mt:store/index.m3u8"], MemoryStore())
        self.assertIn("parts/0.ts", store)
        store = MemoryStore()
        self.run_bound(["-i", clip(), "-c", "copy", "mt:store/one.mp4"], store=store)
        self.assertEqual(dict(store), {"one.mp4": self.copied()})
        self.leaves_nothing()

    def test_s62_store_fails(self):
        class Failing(MemoryStore):
            def open(self, name):
                raise PermissionError(errno.EACCES, "not here", name)

        with self.assertRaises(Error) as caught:
            self.to_store([*HLS, "mt:store/index.m3u8"], Failing())
        self.assertEqual(caught.exception.code, -errno.EACCES)
        self.assertIsInstance(caught.exception.__cause__, PermissionError)

        class Keeping(MemoryStore):
            def remove(self, name):
                raise PermissionError(errno.EPERM, "nothing goes", name)

        with self.assertLogs("mt_transcode", "WARNING") as logs:
            store = self.to_store([*HLS, "mt:store/index.m3u8"], Keeping())
        self.assertIn("index0.ts", store)
        self.assertIn("index0.ts", repr(logs.output))
        self.leaves_nothing()

    def test_broken_off_files_are_discarded(self):
        discarded = []

        class File(io.BytesIO):
            def write(self, data):
                raise OSError(errno.ENOSPC, "full")

            def discard(self):
                discarded.append(self)

        class Full:
            def open(self, name):
                return File()

        with self.assertRaises(Error) as caught:
            self.run_bound(["-i", clip(), "-c", "copy", "mt:store/one.ts"], store=Full())
        self.assertEqual((caught.exception.code, len(discarded)), (-errno.ENOSPC, 1))
        self.leaves_nothing()

    def test_s66_callback_throws(self):
        thrown = (OSError(errno.ENOSPC, "full"), ValueError("nonsense"), KeyboardInterrupt(), SystemExit(3), MemoryError(),
                  Error(Code.LIMIT))
        codes = (-errno.ENOSPC, -errno.EIO, -errno.EIO, -errno.EIO, -errno.ENOMEM, Code.LIMIT)
        for exception, code in zip(thrown, codes):
            for bind in ({"in": Broken(read_file(clip()), read=exception), "out": io.BytesIO()},
                         {"in": read_file(clip()), "out": Broken(write=exception)}):
                with self.subTest(exception=exception), self.assertRaises(Error) as caught:
                    self.engine.run(COPY_MP4, timeout=PATIENCE, bind=bind)
                self.assertEqual(caught.exception.code, code)
                self.assertIs(caught.exception.__cause__, exception)
        thrown = caught = exception = bind = None
        self.leaves_nothing()

    def test_s67_iterators(self):
        target, closed = io.BytesIO(), []

        def chunks(data, step):
            try:
                for place in range(0, len(data), step):
                    yield data[place:place + step]
            finally:
                closed.append(step)

        for what in (chunks(ts_clip(), 1000), [ts_clip()], iter([b"", ts_clip()[:500], bytearray(ts_clip()[500:])])):
            target = io.BytesIO()
            self.run_bound(COPY_TS, in_=what, out=target)
            self.assertEqual(len(target.getvalue()), len(ts_copy()))
        self.assertEqual(closed, [1000])
        self.leaves_nothing()

    def test_s67_iterator_fails(self):
        failure = ConnectionResetError(errno.ECONNRESET, "the peer went away")

        def chunks():
            yield ts_clip()[:1000]
            raise failure

        with self.assertRaises(Error) as caught:
            self.run_bound(COPY_TS, in_=chunks(), out=io.BytesIO())
        self.assertEqual((caught.exception.code, caught.exception.input_index), (-errno.ECONNRESET, 0))
        self.assertIs(caught.exception.__cause__, failure)
        with self.assertRaises(Error) as caught:
            self.run_bound(COPY_TS, in_=["text"], out=io.BytesIO())
        self.assertIsInstance(caught.exception.__cause__, TypeError)
        caught = None
        self.leaves_nothing()

    def test_s67_endless_iterator_is_closed(self):
        closed = threading.Event()

        def chunks():
            try:
                while True:
                    yield bytes(1 << 16)
            finally:
                closed.set()

        self.fails(Code.DEMUX, lambda: self.run_bound(["-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"], in_=chunks(), out=io.BytesIO()))
        self.assertTrue(closed.wait(PATIENCE))
        self.leaves_nothing()

    def test_s67_sockets(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, theirs.makefile("rwb", 0) as peer:
            received = Background(lambda: b"".join(iter(lambda: ours.recv(65536), b"")))
            job = self.engine.job(["-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"])
            with self.assertRaises(ValueError):
                job.bind("in", peer)  # reads and writes: which?
            job.bind("in", peer, "r")
            job.bind("out", peer, "w")
            job.start()
            ours.sendall(ts_clip())
            ours.shutdown(socket.SHUT_WR)
            job.wait(PATIENCE)
            theirs.shutdown(socket.SHUT_WR)
            self.assertEqual(received.value(), ts_copy())
            job.close()
        self.leaves_nothing()

    def test_s67_writer_fails(self):
        class Full(io.RawIOBase):
            def writable(self):
                return True

            def write(self, data):
                raise OSError(errno.ENOSPC, "full")

        with self.assertRaises(Error) as caught:
            self.run_bound(COPY_TS, in_=ts_clip(), out=Full())
        self.assertIn(caught.exception.code, (-errno.ENOSPC, -errno.EPIPE))  # the job may be done before the file is
        self.assertEqual(caught.exception.__cause__.errno, errno.ENOSPC)
        caught = None
        self.leaves_nothing()

    def test_s67_wrong_objects(self):
        job = self.engine.job(COPY_TS)
        for wrong in ("in.ts", clip(), io.StringIO(), 7, None, object()):
            with self.subTest(wrong), self.assertRaises(TypeError):
                job.bind("in", wrong)
        job.bind("in", ts_clip())
        self.fails(-errno.EEXIST, job.bind, "in", ts_clip())
        self.fails(-errno.EEXIST, job.bind, "in", iter([b""]))
        job.close()
        self.leaves_nothing()

    def test_s67_a_silent_reader_does_not_hold_up_close(self):
        reads, writes = os.pipe()
        with os.fdopen(reads, "rb", 0) as source, os.fdopen(writes, "wb", 0) as peer:
            job = self.engine.job(COPY_TS)
            job.bind("in", source)
            job.bind("out", io.BytesIO())
            job.start()
            job.close()
            job = None
            super().leaves_nothing()
            peer.close()  # lets the thread that reads end
            self.leaves_nothing()
