"""What only Python has: logging, Ctrl-C, pickling, finding the library."""

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading

import mt_transcode
from mt_transcode import Error, State

from .support import ENDLESS, PATIENCE, SMALL, Scenarios, reaches, temporary

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Pythonic(Scenarios):
    def test_log_lines_become_records(self):
        path = temporary("not media.mp4")
        with open(path, "w", encoding="utf-8") as file:
            file.write("This is a letter, not a film.\n" * 100)
        with self.assertLogs("mt_transcode", "DEBUG") as logs, self.assertRaises(Error):
            self.engine.run(["-i", path, "-f", "null", "-"], label="request 7", timeout=PATIENCE)
        record = logs.records[0]
        self.assertGreater(record.job_id, 0)
        self.assertEqual(record.label, "request 7")
        self.assertTrue(record.stage)
        self.assertGreaterEqual(max(one.levelno for one in logs.records), logging.WARNING)

    def test_events_while_another_thread_waits(self):
        job = self.start(SMALL)
        results = []
        waiter = threading.Thread(target=lambda: results.append(job.result(PATIENCE)))
        waiter.start()
        types = [event.type for event in job.events(PATIENCE)]
        waiter.join(PATIENCE)
        self.assertEqual(results, [0])
        self.assertEqual(types[-1], mt_transcode.EventType.DONE)

    def test_on_event(self):
        seen = []
        self.engine.run(SMALL, on_event=seen.append, timeout=PATIENCE)
        self.assertEqual(seen[-1].type, mt_transcode.EventType.DONE)
        self.assertGreater(seen[-1].time_us, 0)

    def test_interrupt_ends_a_wait(self):
        job = self.start(ENDLESS)
        self.assertTrue(reaches(job, State.RUNNING))
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            job.wait(PATIENCE)
        self.assertEqual(job.state, State.RUNNING)

    def test_errors_can_be_pickled(self):
        with self.assertRaises(Error) as caught:
            self.engine.probe(temporary("missing.mp4"))
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(vars(again), vars(caught.exception))

    def test_a_missing_library_is_one_line(self):
        environment = {**os.environ, "MT_TRANSCODE_LIBRARY": "/no/such/libmt_transcode.so.0", "PYTHONPATH": HERE}
        failed = subprocess.run([sys.executable, "-c", "import mt_transcode"], env=environment, capture_output=True, text=True,
                                check=False)
        self.assertEqual(failed.returncode, 1)
        last = failed.stderr.splitlines()[-1]
        self.assertIn("ImportError: mt_transcode: the library was not found; set MT_TRANSCODE_LIBRARY", last)
        self.assertIn("/no/such/libmt_transcode.so.0", last)
