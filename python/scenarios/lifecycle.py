"""Scenarios s11 to s13, s19 to s21, s26, s27: jobs begin, wait, end, and leave nothing behind."""

import errno
import gc
import os

from mt_transcode import Engine, EventType, Histogram, State

from .support import ENDLESS, PATIENCE, SMALL, Scenarios, clip, eventually, reaches, temporary


def entries(folder):
    return len(os.listdir(folder))


class Lifecycle(Scenarios):
    def test_s11_cancel(self):
        job = self.start(ENDLESS)
        self.assertTrue(reaches(job, State.RUNNING))
        with self.assertRaises(TimeoutError):
            job.wait(0)
        job.cancel()
        self.assertEqual(job.result(PATIENCE), -errno.ECANCELED)
        self.assertEqual(job.state, State.CANCELLED)
        self.fails(-errno.ECANCELED, job.wait, PATIENCE)

    def test_s12_stop(self):
        out = temporary("stopped.mp4")
        job = self.start(["-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-c:v", "libx264", "-preset", "ultrafast", out])
        for event in job.events(PATIENCE):
            if event.type == EventType.PROGRESS:
                break
        job.stop()
        job.wait(PATIENCE)
        self.assertEqual(job.state, State.SUCCEEDED)
        self.assertGreater(float(self.engine.probe(out)["format"]["duration"]), 0)

    def test_s13_queue(self):
        with Engine(max_running=1, max_queued=1) as engine:
            first = self.start(ENDLESS, engine)
            self.assertTrue(reaches(first, State.RUNNING))
            second, third = self.start(ENDLESS, engine), engine.job(ENDLESS)
            self.assertEqual(second.state, State.QUEUED)
            self.fails(-errno.EAGAIN, third.start)
            self.assertEqual(third.state, State.NEW)
            first.cancel()
            self.assertEqual(first.result(PATIENCE), -errno.ECANCELED)
            self.assertTrue(reaches(second, State.RUNNING))
            third.start()
            self.assertEqual(third.state, State.QUEUED)
            engine.set_limits(2, 1)
            self.assertTrue(reaches(third, State.RUNNING))
            third.close()

    def test_s19_many_at_once(self):
        jobs = [self.start(SMALL) for _ in range(64)]
        self.assertEqual([job.result(PATIENCE) for job in jobs], [0] * 64)
        self.assertEqual(self.engine.stats().by_result, {0: 64})

    def test_s20_free_while_running(self):
        job = self.start(ENDLESS)
        self.assertTrue(reaches(job, State.RUNNING))
        self.assertEqual(self.engine.stats().jobs_running, 1)
        job.close()

        def nothing_now():
            stats = self.engine.stats()
            return (stats.jobs, stats.jobs_running, stats.threads, stats.queued_bytes) == (0, 0, 0, 0)

        self.assertTrue(eventually(nothing_now), self.engine.stats())

    def test_s21_shutdown(self):
        with Engine(max_running=1, max_queued=4) as engine:
            running = self.start(ENDLESS, engine)
            self.assertTrue(reaches(running, State.RUNNING))
            queued = self.start(ENDLESS, engine)
            counts = engine.shutdown(0)
            self.assertEqual((counts.stopped, counts.never_ran), (1, 1))
            self.assertEqual((counts.finished, counts.cancelled, counts.detached), (0, 0, 0))
            self.assertEqual(running.result(PATIENCE), 0)
            self.assertEqual(queued.result(PATIENCE), -errno.ECANCELED)
            self.fails(-errno.ESHUTDOWN, engine.job)
            self.assertTrue(engine.stats().reason)

    def test_s26_nothing_left(self):
        clip()
        gc.collect()
        descriptors, threads = entries("/proc/self/fd"), entries("/proc/self/task")
        with Engine() as engine, engine.job(SMALL) as done, engine.job(ENDLESS) as running, engine.job(SMALL) as never:
            self.assertGreaterEqual(min(engine.event_fd(), done.event_fd(), never.event_fd()), 0)
            done.start()
            running.start()
            done.wait(PATIENCE)
            self.assertTrue(reaches(running, State.RUNNING))
            engine.probe(clip())
        self.assertEqual(entries("/proc/self/fd"), descriptors)
        self.assertTrue(eventually(lambda: entries("/proc/self/task") <= threads))

    def test_dropped_without_close(self):
        """What the host forgets is freed with the last reference."""
        job = self.engine.job(ENDLESS)
        job.start()
        self.assertEqual(self.engine.stats().jobs, 1)
        del job
        gc.collect()
        self.assertEqual(self.engine.stats().jobs, 0)

    def test_s27_engine_stats(self):
        self.engine.job(SMALL).close()  # never started: counts nowhere
        self.engine.run(SMALL, timeout=PATIENCE)
        self.fails(-errno.ENOENT, self.engine.run, ["-i", "/no/such/file", "-f", "null", "-"])
        job = self.start(ENDLESS)
        self.assertTrue(reaches(job, State.RUNNING))
        job.cancel()
        self.assertEqual(job.result(PATIENCE), -errno.ECANCELED)
        stats = self.engine.stats()
        self.assertEqual(stats.by_result, {0: 1, -errno.ENOENT: 1, -errno.ECANCELED: 1})
        self.assertEqual(stats.duration.count, 3)
        self.assertEqual(sum(stats.duration.buckets), 3)
        self.assertEqual(stats.jobs_started, 3)
        self.assertEqual(stats.reason, "")
        self.assertEqual(stats.as_dict()["by_result"], stats.by_result)
        self.assertIn("jobs_started=3", repr(stats))
        bounds = Histogram.bounds_us()
        self.assertEqual((len(bounds), bounds[0], bounds[-1]), (16, 1000, None))
