"""Scenarios s14 to s16 and s25: the library is used wrongly, and says so."""

import ctypes
import errno
import os
import signal
from ctypes import byref, c_char_p, c_int32, c_uint32, c_uint64, c_void_p, sizeof

from mt_transcode import Code, EngineStats, JobStats, ShutdownCounts, State, _EngineConfig, _lib

from .support import ENDLESS, PATIENCE, SMALL, Scenarios, clip, reaches


class NewerConfig(ctypes.Structure):
    """A configuration of a newer header than the library's."""

    _fields_ = [("known", _EngineConfig), ("unknown", c_uint64)]


def job_calls(job):
    """Every function that takes a job, and what it returned."""
    stats, none = JobStats(struct_size=sizeof(JobStats)), c_void_p()
    return [
        _lib.mt_transcode_job_set_args(job, 1, (c_char_p * 1)(b"x")), _lib.mt_transcode_job_set_option(job, b"copyts", None),
        _lib.mt_transcode_job_set_label(job, b"label"), _lib.mt_transcode_job_input_new(job, b"in.mp4", byref(none)),
        _lib.mt_transcode_job_output_new(job, b"out.mp4", byref(none)), _lib.mt_transcode_job_id(job),
        _lib.mt_transcode_job_command(job, 0, byref(none)), _lib.mt_transcode_job_start(job),
        _lib.mt_transcode_job_wait(job, 0, byref(c_int32())), _lib.mt_transcode_job_stop(job), _lib.mt_transcode_job_cancel(job),
        _lib.mt_transcode_job_state(job), _lib.mt_transcode_job_event_fd(job), _lib.mt_transcode_job_stats(job, byref(stats)),
    ]


def engine_calls(engine):
    stats, none = EngineStats(struct_size=sizeof(EngineStats)), c_void_p()
    return [
        _lib.mt_transcode_engine_set_limits(engine, 1, 1), _lib.mt_transcode_engine_shutdown(engine, 0, None),
        _lib.mt_transcode_engine_jobs(engine, byref(none)), _lib.mt_transcode_engine_quarantine(engine, byref(none)),
        _lib.mt_transcode_engine_quarantine_clear(engine), _lib.mt_transcode_engine_event_fd(engine),
        _lib.mt_transcode_engine_next_ready(engine, byref(none), byref(c_uint32())),
        _lib.mt_transcode_engine_stats(engine, byref(stats)), _lib.mt_transcode_job_new(engine, byref(none)),
        _lib.mt_transcode_probe(engine, b"x", None, 0, byref(none), None),
    ]


class Handles(Scenarios):
    def test_s14_wrong_state(self):
        job = self.engine.job()
        self.fails(-errno.EINVAL, job.wait, 0)
        self.fails(Code.OPTION, job.start)  # nothing to do
        source, target = job.input(clip()), job.output("-", {"f": "null", "c": "copy"})
        job.start()
        self.fails(-errno.EALREADY, job.start)
        for call in (lambda: job.set_args(SMALL), lambda: job.set_option("copyts"), lambda: job.set_label("late"),
                     lambda: job.input("in.mp4"), lambda: source.set("ss", "1"),
                     lambda: target.set("t", "1")):
            self.fails(-errno.EBUSY, call)
        job.wait(PATIENCE)
        job.cancel()
        job.stop()
        self.assertEqual(job.stats().state, State.SUCCEEDED)
        self.assertTrue(job.command().startswith("ffmpeg"))
        self.assertEqual((job.state, job.result()), (State.SUCCEEDED, 0))
        self.assertGreater(job.id, 0)
        job.close()

    def test_s15_bad_handles(self):
        job = self.engine.job(SMALL)
        self.assertEqual(set(job_calls(None)), {-errno.EINVAL})
        self.assertEqual(set(engine_calls(None)), {-errno.EINVAL})
        self.assertEqual(set(job_calls(self.engine._handle)), {-errno.EBADF})
        self.assertEqual(set(engine_calls(job._handle)), {-errno.EBADF})
        source = job.input("in.mp4")
        job.close()
        job.close()
        _lib.mt_transcode_job_free(job._handle)
        _lib.mt_transcode_job_free(None)
        _lib.mt_transcode_engine_free(None)
        self.assertEqual(set(job_calls(job._handle)), {-errno.EBADF})
        self.fails(-errno.EBADF, source.set, "ss", "1")
        self.fails(-errno.EBADF, job.start)
        self.engine.close()
        self.engine.close()
        self.assertEqual(set(engine_calls(self.engine._handle)), {-errno.EBADF})
        self.fails(-errno.EBADF, self.engine.stats)

    def make(self, config):
        """The code that an engine of this configuration gives."""
        handle = c_void_p()
        code = _lib.mt_transcode_engine_new(ctypes.cast(byref(config), ctypes.POINTER(_EngineConfig)), byref(handle), None)
        _lib.mt_transcode_engine_free(handle)
        return code

    def test_s16_struct_size(self):
        config, newer = _EngineConfig(), NewerConfig()
        self.assertEqual(_lib.mt_transcode_engine_config_init(byref(config), 4), -errno.EINVAL)
        self.assertEqual(_lib.mt_transcode_engine_config_init(byref(config), sizeof(config)), 0)
        self.assertEqual(config.struct_size, sizeof(config))
        newer.known = config
        newer.known.struct_size = sizeof(newer)
        self.assertEqual(self.make(newer), 0)
        newer.unknown = 1
        self.assertEqual(self.make(newer), -errno.E2BIG)
        for size in (0, 4, sizeof(config) - 1):
            config.struct_size = size
            self.assertEqual(self.make(config), -errno.EINVAL)
        config.struct_size = sizeof(config)
        for name, value in (("reserved", (c_uint64 * 1)(1)), ("isolation", 9), ("worker_sandbox", 3), ("flags", 1 << 31), ("log_mode", 99),
                            ("niceness", 20), ("threads_per_job", 65)):
            bad = _EngineConfig.from_buffer_copy(config)
            setattr(bad, name, value)
            self.assertEqual(self.make(bad), -errno.EINVAL, name)
        self.assertEqual(self.make(config), 0)
        stats, counts = EngineStats(struct_size=4), ShutdownCounts(struct_size=0)
        self.assertEqual(_lib.mt_transcode_engine_stats(self.engine._handle, byref(stats)), -errno.EINVAL)
        self.assertEqual(_lib.mt_transcode_engine_shutdown(self.engine._handle, 0, byref(counts)), -errno.EINVAL)

    def test_s25_fork(self):
        job = self.start(ENDLESS)
        self.assertTrue(reaches(job, State.RUNNING))
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                codes = set(job_calls(job._handle)) | set(engine_calls(self.engine._handle))
                os.write(writer, repr(sorted(codes)).encode())
            finally:
                os.kill(os.getpid(), signal.SIGKILL)  # no cleanup of the parent's test in the child
        os.close(writer)
        with os.fdopen(reader) as found:
            self.assertEqual(found.read(), repr([-errno.EPERM]))
        os.waitpid(child, 0)
        self.assertEqual(job.state, State.RUNNING)  # the parent's is as before
