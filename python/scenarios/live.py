"""Scenarios s92 to s95: outputs that join a running job and leave it, sources that come and go."""

import errno
import io
import os
import socket
import threading

from mt_transcode import Choice, Code, EventType, Job, Output, OutputState, SourceState, State

from .support import ENDLESS, PATIENCE, Scenarios, eventually, reaches, read_file, stream, temporary, ts_path

#: A job that encodes in real time, with a key frame every 0.4 s, until it is told to end.
HUB = ["-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
       "-g", "10", "-mt_gop_bytes", "1M", "-mt_allow_write", temporary(""), "-f", "null", "-"]
COPY = {"mt_from": "0", "c": "copy", "f": "mpegts"}
#: Worker processes write what their jobs named before the start.
IS_ISOLATED = os.environ.get("MT_TRANSCODE_ISOLATION") == "process"


class Sink(io.RawIOBase):
    """Keeps what is written to it, as a stream."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.data += bytes(data)
        return len(bytes(data))


class Refusing(Sink):
    def write(self, data: object) -> int:
        raise LookupError("the client went away")


class Camera:
    """A server on loopback that gives the clip to who connects, and hangs up."""

    def __init__(self) -> None:
        self.data = read_file(ts_path())
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.sendall(self.data)
                except OSError:
                    pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Live(Scenarios):
    def hub(self) -> Job:
        job = self.engine.job(HUB)
        job.start()
        return job

    def join(self, job: Job, name: str, file: object, **options: str) -> Output:
        job.bind(name, file, "w")
        return job.output("mt:" + name, {**COPY, **options})

    def is_final(self, output: Output) -> None:
        self.assertTrue(eventually(lambda: output.state.is_final), output.state)

    def test_s92_outputs_join(self) -> None:
        with self.hub() as job:
            seen, path = Sink(), temporary("joined.ts")
            viewer = self.join(job, "viewer", seen)
            recording = job.output(path, {**COPY, "mt_slow": "wait"})
            self.assertEqual([viewer.index, recording.index], [1, 2])
            self.assertTrue(eventually(lambda: recording.stats().packets_written > 10 and len(seen.data) > 0))
            self.assertEqual(viewer.state, OutputState.RUNNING)
            # When one is ended, then its file is whole, and the job goes on
            recording.stop()
            self.is_final(recording)
            self.assertEqual((recording.state, recording.error()), (OutputState.FINISHED, None))
            self.assertGreater(recording.stats().size_bytes, 0)
            self.assertEqual(stream(self.engine.probe(path), "h264")["width"], 160)
            self.assertEqual(job.state, State.RUNNING)
            self.assertEqual(job.get_output(0).state, OutputState.RUNNING)
            self.fails(-errno.EINVAL, lambda: job.get_output(1))
            # and what still takes part ends well with its job
            job.stop()
            job.wait(PATIENCE)
            self.assertEqual(viewer.state, OutputState.FINISHED)
            self.assertTrue(eventually(lambda: len(seen.data) >= viewer.stats().size_bytes))
            ends = [event.file_index for event in job.events(PATIENCE) if event.type == EventType.OUTPUT_FINISHED]
            self.assertEqual(sorted(ends), [0, 1, 2])
        self.leaves_nothing()

    def test_s93_one_viewers_trouble(self) -> None:
        with self.hub() as job, self.engine.pipe(4096) as stuck:
            # Given one whose file fails, one who never reads, one that leaves, and one who sees all
            fails = self.join(job, "fails", Refusing())
            job.bind("stuck", stuck, "w")
            slow = job.output("mt:stuck", {**COPY, "mt_queue_bytes": "10000"})
            leaving, good = Sink(), Sink()
            leaves, stays = self.join(job, "leaves", leaving), self.join(job, "stays", good)
            self.is_final(fails)
            error = fails.error()
            self.assertEqual((fails.state, error.code, error.output_index), (OutputState.FAILED, -errno.EPIPE, 1))
            self.assertIsInstance(error.__cause__, LookupError)
            self.assertTrue(eventually(lambda: slow.stats().packets_dropped > 0 and slow.stats().skips > 0))
            self.assertTrue(eventually(lambda: len(leaving.data) > 0))
            for output in (leaves, slow):
                output.cancel()
                self.is_final(output)
                self.assertEqual((output.state, output.stats().code), (OutputState.CANCELLED, -errno.ECANCELED))
            # then none of this is the job's
            before = len(good.data)
            self.assertTrue(eventually(lambda: len(good.data) > before))
            job.stop()
            job.wait(PATIENCE)
            self.assertEqual(stays.state, OutputState.FINISHED)
        self.leaves_nothing()

    def test_s94_join_refusals(self) -> None:
        with self.hub() as job:
            self.assertTrue(reaches(job, State.RUNNING))
            self.fails(-errno.EBUSY, lambda: job.input("late.ts"))
            self.fails(-errno.EBUSY, lambda: job.bind("late", b"bytes"))
            self.assertIn("no_such_option", str(self.fails(Code.OPTION, lambda: job.output("x.ts", {"no_such_option": "1"}))))
            self.fails(Code.OPTION, lambda: job.output("x.ts", {"mt_from": "9", "c": "copy"}))
            self.fails(Code.OPTION, lambda: job.output("mt:nothing", COPY))
            output = job.output(temporary("once.ts"), COPY)
            self.fails(-errno.EALREADY, output.commit)
            self.fails(-errno.EBUSY, lambda: output.set("f", "flv"))
            missing = job.output("/nowhere/at/all.ts", COPY)
            self.is_final(missing)
            self.assertEqual(missing.error().code, Code.SANDBOX if IS_ISOLATED else -errno.ENOENT)
            missing.close()
            self.fails(-errno.EBADF, lambda: missing.state)
            job.cancel()
            self.assertEqual(job.result(PATIENCE), -errno.ECANCELED)
            self.assertEqual(output.state, OutputState.CANCELLED)
            self.fails(-errno.EBUSY, lambda: job.output("late.ts", COPY))
        self.leaves_nothing()

    def test_s96_degrade(self) -> None:
        # Sound that is not a number from 0.2 s on: the encoder refuses it
        args = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "aevalsrc=if(gt(t\\,0.2)\\,NAN\\,0):d=2",
                "-c:v", "mpeg2video", "-c:a", "aac", "-mt_degrade:a", "drop", "-mt_degrade_after:a", "3", "-f", "null", "-"]
        with self.engine.job(args) as job:
            job.start()
            job.wait(PATIENCE)
            self.assertEqual(job.stats().encode_errors, 3)
            told = [event for event in job.events(PATIENCE) if event.type == EventType.DEGRADED]
            self.assertEqual([(event.file_index, event.stream_index, event.state) for event in told], [(0, 1, Choice.DROP)])
            self.assertEqual((told[0].stage, told[0].repeated, told[0].code), ("encode", 3, Code.ENCODE))
        self.leaves_nothing()

    def test_s95_source(self) -> None:
        camera = Camera()
        self.addCleanup(camera.close)
        args = ["-f", "mpegts", "-mt_source", "1", "-mt_retry_ms", "5", "-i", camera.url, "-c", "copy", "-f", "null", "-"]
        with self.engine.job(args) as job:
            source = job.get_input(0)
            self.assertEqual((source.state, source.index), (SourceState.IDLE, 0))
            job.start()
            # Given a camera that hangs up, then it is opened again, until it is taken out
            self.assertTrue(eventually(lambda: source.status()["connections"] >= 3))
            self.assertEqual(source.status()["url"], camera.url)
            source.stop()
            job.wait(PATIENCE)
            self.assertEqual(source.state, SourceState.ENDED)
            told = [event for event in job.events(PATIENCE) if event.type == EventType.SOURCE]
            self.assertIn(SourceState.LIVE, [event.state for event in told])
            self.assertIs(told[-1].state, SourceState.ENDED)
            source.stop()
        with self.engine.job(ENDLESS) as job:
            job.start()
            self.assertTrue(reaches(job, State.RUNNING))
            self.assertEqual(job.get_input(0).state, SourceState.LIVE)
            self.fails(Code.UNSUPPORTED, job.get_input(0).stop)
            self.fails(-errno.EINVAL, lambda: job.get_input(1))
        self.leaves_nothing()
