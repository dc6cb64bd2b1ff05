"""Scenarios s05 to s07 and s18: what a job tells, and how a host waits for it."""

import errno

from mt_transcode import EventType, State

from .support import PATIENCE, SMALL, Scenarios, clip, readable, temporary

COPY = ["-c", "copy", "-f", "null", "-"]


class Events(Scenarios):
    def test_s05_events(self):
        job = self.start(["-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", temporary("events.mkv")])
        events = list(job.events(PATIENCE))
        self.fails(-errno.ENODATA, job.next_event, 0)
        self.check_states(events)
        self.check_files(events)
        progress = [event for event in events if event.type == EventType.PROGRESS]
        self.assertEqual(progress[-1].percent, 100)
        self.assertIsNotNone(progress[-1].duration_us)
        written = [event.size_bytes for event in events if event.type == EventType.OUTPUT_FINISHED]
        self.assertEqual([progress[-1].size_bytes], written)
        self.assertEqual((events[-1].type, events[-1].code), (EventType.DONE, 0))
        self.assertEqual([event.type for event in events].count(EventType.DONE), 1)
        numbers = [event.sequence for event in events]
        self.assertEqual(numbers, sorted(set(numbers)))

    def check_states(self, events):
        """OPENING, RUNNING, SUCCEEDED in this order."""
        wanted = [State.OPENING, State.RUNNING, State.SUCCEEDED]
        states = [event.state for event in events if event.type == EventType.STATE and event.state in wanted]
        self.assertEqual(states, wanted)

    def check_files(self, events):
        opened = [event for event in events if event.type == EventType.INPUT_OPENED]
        finished = [event for event in events if event.type == EventType.OUTPUT_FINISHED]
        self.assertEqual([event.file_index for event in opened], [0])
        self.assertIn("h264", opened[0].json)
        self.assertEqual([(event.file_index, event.code) for event in finished], [(0, 0)])
        self.assertGreater(finished[0].size_bytes, 0)

    def test_s06_job_event_fd(self):
        job = self.engine.job(["-i", clip(), *COPY])
        descriptor = job.event_fd()
        self.assertFalse(readable(descriptor, 0))
        self.assertIsNone(job.next_event(0))
        job.start()
        self.assertTrue(readable(descriptor, PATIENCE))
        self.assertGreater(len(list(job.events(PATIENCE))), 0)
        self.assertFalse(readable(descriptor, 0))
        job.wait(PATIENCE)
        job.close()

    def test_s07_engine_ready(self):
        descriptor = self.engine.event_fd()
        jobs = [self.start(["-i", clip(), *COPY]) for _ in range(8)]
        seen, done = {job: [] for job in jobs}, set()
        while len(done) < len(jobs):
            self.assertTrue(readable(descriptor, PATIENCE))
            for job, has_events, is_done in iter(self.engine.next_ready, None):
                self.assertIn(job, jobs)
                self.assertTrue(has_events or is_done)
                if has_events:
                    seen[job] += [event.type for event in job.ready_events()]
                if is_done:
                    done.add(job)
        self.assertEqual({job.state for job in jobs}, {State.SUCCEEDED})
        for job in jobs:
            types = seen[job] + [event.type for event in job.ready_events()]
            self.assertEqual((types.count(EventType.DONE), types[-1]), (1, EventType.DONE))

    def test_s18_label(self):
        label = "x" * 128
        job = self.engine.job(SMALL)
        self.fails(-errno.EINVAL, job.set_label, label + "x")
        job.set_label(label)
        job.start()
        labels = [event.label for event in job.events(PATIENCE)]
        self.assertEqual(set(labels), {label})
        self.assertIn(label, [one["label"] for one in self.engine.jobs()])
        job.close()

    def test_wait_keeps_events(self):
        """A wait pulls events so that log lines come out; the host finds them afterwards all the same."""
        job = self.start(["-i", clip(), *COPY])
        job.wait(PATIENCE)
        types = [event.type for event in job.events(PATIENCE)]
        self.assertIn(EventType.INPUT_OPENED, types)
        self.assertIn(EventType.OUTPUT_FINISHED, types)
        self.assertEqual(types[-1], EventType.DONE)
