"""Scenarios s30 to s38: a pipe by itself, with the host at both ends."""

import ctypes
import errno
import gc
import hashlib
import os
import random
import signal
import threading
from ctypes import byref, c_uint64, c_void_p, sizeof

from mt_transcode import Code, Engine, PipeStats, _lib, _PipeConfig

from .support import PATIENCE, Background, Scenarios, eventually, readable


class NewerConfig(ctypes.Structure):
    """A configuration of a newer header than the library's."""

    _fields_ = [("known", _PipeConfig), ("unknown", c_uint64)]


def pipe_calls(pipe):
    """Every function that takes a pipe, and what it returned."""
    none, size, byte = c_void_p(), c_uint64(), b"x"
    stats = PipeStats(struct_size=sizeof(PipeStats))
    return [
        _lib.mt_transcode_pipe_write(pipe, ctypes.cast(byte, c_void_p), 1, 0),
        _lib.mt_transcode_pipe_read(pipe, ctypes.create_string_buffer(1), 1, 0),
        _lib.mt_transcode_pipe_acquire(pipe, 0, byref(none), byref(size)), _lib.mt_transcode_pipe_commit(pipe, 0),
        _lib.mt_transcode_pipe_peek(pipe, 0, byref(none), byref(size)), _lib.mt_transcode_pipe_consume(pipe, 0),
        _lib.mt_transcode_pipe_close_write(pipe, 0), _lib.mt_transcode_pipe_close_read(pipe),
        _lib.mt_transcode_pipe_readable_fd(pipe), _lib.mt_transcode_pipe_writable_fd(pipe), _lib.mt_transcode_pipe_watch(pipe, 4),
        _lib.mt_transcode_pipe_stats(pipe, byref(stats)), _lib.mt_transcode_pipe_probe(pipe, None, 0, 0, byref(none), None),
    ]


class Pipes(Scenarios):
    def test_s30_pipe_bytes(self):
        with self.engine.pipe(4096) as pipe:
            self.assertEqual((pipe.write(b""), pipe.read(0), pipe.readinto(bytearray())), (0, b"", 0))
            for letter in b"letters":
                pipe.write(bytes([letter]))
            self.assertEqual(self.engine.stats().queued_bytes, 7)
            self.assertEqual(pipe.read(3), b"let")
            place = bytearray(10)
            self.assertEqual((pipe.readinto(place), place[:4]), (4, b"ters"))
            for call in (pipe.read, pipe.peek, pipe.acquire):
                if call != pipe.acquire:
                    with self.assertRaises(TimeoutError):
                        call(timeout=0)
            for kind in (bytes, bytearray, memoryview):
                self.assertEqual(pipe.write(kind(b"12345678")), 8)
            self.assertEqual(pipe.write(memoryview(b"123456")[::2].tobytes()), 3)
            self.assertEqual(pipe.write(bytes(8192), 0), 4096 - 27)
            with self.assertRaises(TimeoutError):
                pipe.write(b"x", 0)
            self.assertEqual(len(pipe.read(8192)), 4096)
            stats = pipe.stats()
            self.assertEqual((stats.written_bytes, stats.read_bytes, stats.fill_bytes), (7 + 4096, 7 + 4096, 0))
            self.assertEqual((stats.capacity_bytes, stats.chunk_bytes, stats.closed), (4096, 4096, 0))
            with self.assertRaises(TypeError):
                pipe.write("text")
        self.leaves_nothing()

    def test_s31_pipe_config(self):
        for good in ({}, {"capacity_bytes": 4096, "chunk_bytes": 512}, {"flush_interval": None}, {"flush_interval": 0},
                     {"high_water_percent": 100}):
            self.engine.pipe(**good).close()
        for bad in ({"capacity_bytes": 1}, {"capacity_bytes": 4095}, {"capacity_bytes": (1 << 30) + 1}, {"capacity_bytes": 1 << 63},
                    {"capacity_bytes": -1}, {"capacity_bytes": 1 << 64}, {"chunk_bytes": 511}, {"chunk_bytes": 1 << 32},
                    {"capacity_bytes": 8192, "chunk_bytes": 8193}, {"high_water_percent": 101}, {"high_water_percent": -1}):
            with self.subTest(bad):
                self.fails(-errno.EINVAL, lambda: self.engine.pipe(**bad))
        self.check_sizes()
        self.leaves_nothing()

    def check_sizes(self):
        config, newer, handle = _PipeConfig(), NewerConfig(), c_void_p()
        self.assertEqual(_lib.mt_transcode_pipe_config_init(byref(config), 4), -errno.EINVAL)
        self.assertEqual(_lib.mt_transcode_pipe_config_init(byref(config), sizeof(config)), 0)
        newer.known = config
        newer.known.struct_size = sizeof(newer)
        place = ctypes.cast(byref(newer), ctypes.POINTER(_PipeConfig))
        self.assertEqual(_lib.mt_transcode_pipe_new(self.engine._handle, place, byref(handle)), 0)
        _lib.mt_transcode_pipe_free(handle)
        newer.unknown = 1
        self.assertEqual(_lib.mt_transcode_pipe_new(self.engine._handle, place, byref(handle)), -errno.E2BIG)
        config.reserved[0] = 1
        self.assertEqual(_lib.mt_transcode_pipe_new(self.engine._handle, byref(config), byref(handle)), -errno.EINVAL)

    def test_s32_pipe_ends(self):
        for code in (0, -errno.EIO, Code.LIMIT):
            with self.subTest(code), self.engine.pipe() as pipe:
                pipe.write(b"before")
                self.fails(-errno.EINVAL, pipe.close_write, 1)
                pipe.close_write(code)
                self.fails(-errno.EALREADY, pipe.close_write)
                self.fails(-errno.EPIPE, pipe.write, b"after")
                self.assertEqual(pipe.read(100), b"before")
                for _ in range(2):
                    if code == 0:
                        self.assertEqual((pipe.read(100), pipe.read(), bytes(pipe.peek())), (b"", b"", b""))
                    else:
                        self.fails(code, pipe.read, 100)
                        self.fails(code, pipe.peek)
        with self.engine.pipe() as pipe:
            pipe.write(b"lost")
            pipe.close_read()
            self.fails(-errno.EPIPE, pipe.write, b"more")
            self.fails(-errno.EPIPE, pipe.acquire)
            self.assertEqual(self.engine.stats().queued_bytes, 0)
        self.fails(-errno.EBADF, pipe.write, b"more")
        self.leaves_nothing()

    def test_s33_pipe_regions(self):
        with self.engine.pipe(4096) as pipe:
            self.fails(-errno.EINVAL, pipe.commit, 0)
            region = pipe.acquire()
            self.fails(-errno.EBUSY, pipe.write, b"x")
            region[:5] = b"hello"
            pipe.commit(5)
            with self.assertRaises(ValueError):
                region[0] = 0  # the view ended with the commit
            self.fails(-errno.EINVAL, pipe.consume, 0)
            seen = pipe.peek()
            self.assertEqual(bytes(seen), b"hello")
            with self.assertRaises(TypeError):
                seen[0] = 0
            self.fails(-errno.EBUSY, pipe.read, 1)
            part = seen[1:]
            with self.assertRaises(BufferError):
                pipe.consume(2)  # a slice is still in use
            self.assertEqual(bytes(part), b"ello")
            part.release()
            pipe.consume(2)
            with self.assertRaises(ValueError):
                bytes(seen)
            self.assertEqual(pipe.read(10), b"llo")
            pipe.acquire()
            self.fails(-errno.EINVAL, pipe.commit, 4097)
            pipe.commit(0)
            self.fails(-errno.EINVAL, pipe.commit, 0)
        self.leaves_nothing()

    def test_a_view_keeps_the_memory(self):
        pipe = self.engine.pipe()
        pipe.write(b"hello")
        view, room = pipe.peek(), pipe.acquire()
        pipe.close()
        del pipe
        gc.collect()
        room[:] = bytes(len(room))
        self.assertEqual(bytes(view), b"hello")
        del view, room
        gc.collect()
        self.leaves_nothing()

    def test_s34_pipe_threads(self):
        with self.engine.pipe(4096) as pipe:
            reading = Background(pipe.read, 10, PATIENCE)
            pipe.close_write(-errno.EIO)
            self.fails(-errno.EIO, reading.value)
        with self.engine.pipe(4096) as pipe:
            writing = Background(pipe.write, bytes(8192), PATIENCE)
            self.assertTrue(eventually(lambda: pipe.stats().fill_bytes == 4096))
            pipe.close_read()
            self.assertEqual(writing.value(), 4096)
            self.fails(-errno.EPIPE, pipe.write, b"x")
        pipe = self.engine.pipe()
        reading = Background(pipe.read, 10, PATIENCE)
        pipe.close()
        with self.assertRaises(Exception) as caught:
            reading.value()
        self.assertIn(caught.exception.name, ("EBADF", "EPIPE"))
        self.leaves_nothing()

    def test_s34_two_readers_lose_nothing(self):
        data = random.Random(1).randbytes(1 << 20)
        parts, lock = [], threading.Lock()

        def share(pipe):
            while True:
                try:
                    chunk = pipe.read(777, PATIENCE)
                except Exception as error:
                    self.assertEqual(error.name, "EBUSY")
                    continue
                if not chunk:
                    return
                with lock:
                    parts.append(chunk)

        with self.engine.pipe(16384) as pipe:
            readers = [Background(share, pipe) for _ in range(2)]
            self.assertEqual(pipe.write(data), len(data))
            pipe.close_write()
            for reader in readers:
                reader.value()
        self.assertEqual(sorted(b"".join(parts)), sorted(data))
        self.leaves_nothing()

    def test_s35_pipe_descriptors(self):
        before = self.engine.stats().descriptors
        with self.engine.pipe(4096) as pipe:
            reads, writes = pipe.readable_fd(), pipe.writable_fd()
            self.assertEqual(self.engine.stats().descriptors, before + 2)

            def state():
                return readable(reads, 0), readable(writes, 0)

            self.assertEqual(state(), (False, True))
            pipe.write(b"x")
            self.assertEqual(state(), (True, True))
            pipe.write(bytes(8192), 0)
            self.assertEqual(state(), (True, False))
            pipe.read(1)
            self.assertEqual(state(), (True, False))  # a writer is not woken for each byte
            pipe.read(4096)
            self.assertEqual(state(), (False, True))
            pipe.close_write()
            self.assertEqual(state(), (True, True))
        self.assertEqual(self.engine.stats().descriptors, before)
        self.leaves_nothing()

    def test_s36_pipe_watch(self):
        with self.engine.pipe(4096) as pipe:
            self.fails(-errno.EINVAL, pipe.watch)
            pipe.watch(readable=True)
            self.assertIsNone(self.engine.next_ready())
            pipe.write(b"x")
            self.assertEqual(self.engine.next_ready(), (pipe, True, False))
            self.assertIsNone(self.engine.next_ready())
            pipe.watch(readable=True, writable=True)
            self.assertEqual(self.engine.next_ready(), (pipe, True, True))
            pipe.write(bytes(8192), 0)
            pipe.watch(writable=True)
            self.assertIsNone(self.engine.next_ready())
            pipe.close_read()
            self.assertEqual(self.engine.next_ready(), (pipe, False, True))
        self.leaves_nothing()

    def test_s37_pipe_bulk(self):
        total, sizes = (32 << 20), random.Random(2)
        block = sizes.randbytes(1 << 17)

        def write(pipe):
            done, sum_, random_ = 0, hashlib.sha256(), random.Random(3)
            while done < total:
                chunk = memoryview(block)[:min(random_.randint(1, len(block)), total - done)]
                sum_.update(chunk)
                self.assertEqual(pipe.write(chunk, PATIENCE), len(chunk))
                done += len(chunk)
            pipe.close_write()
            return sum_.digest()

        with self.engine.pipe(65536) as pipe:
            writing, sum_, place = Background(write, pipe), hashlib.sha256(), bytearray(1 << 17)
            while count := pipe.readinto(memoryview(place)[:sizes.randint(1, len(place))], PATIENCE):
                sum_.update(memoryview(place)[:count])
            self.assertEqual(sum_.digest(), writing.value())
            self.assertEqual(pipe.stats().read_bytes, total)
        self.leaves_nothing()

    def test_s38_pipe_handles(self):
        pipe = self.engine.pipe()
        self.assertEqual(set(pipe_calls(None)), {-errno.EINVAL})
        self.assertEqual(set(pipe_calls(self.engine._handle)), {-errno.EBADF})
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, repr(sorted(set(pipe_calls(pipe._handle)))).encode())
            finally:
                os.kill(os.getpid(), signal.SIGKILL)  # no cleanup of the parent's test in the child
        os.close(writer)
        with os.fdopen(reader) as found:
            self.assertEqual(found.read(), repr([-errno.EPERM]))
        os.waitpid(child, 0)
        pipe.close()
        pipe.close()
        self.assertEqual(set(pipe_calls(pipe._handle)), {-errno.EBADF})
        engine = Engine()
        pipe = engine.pipe()
        engine.close()
        pipe.close()
        self.leaves_nothing()
