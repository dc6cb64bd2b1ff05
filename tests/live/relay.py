"""A relay in user space between a client and a server on loopback, with the faults of networks and of peers: the kernels that tests run on have no netem.

Each fault is a number that holds for what flows from the server to the client ("down"), or in both directions; 0 or None is none."""

from __future__ import annotations

import contextlib
import dataclasses
import heapq
import random
import select
import socket
import struct
import threading
import time

PIECE = 1316


@dataclasses.dataclass
class Faults:
    """What is wrong with the line. Times are in seconds, sizes in bytes."""

    delay: float = 0  # each way
    jitter: float = 0  # added to the delay, from 0 on; TCP keeps its order
    loss: float = 0  # UDP: the part of datagrams that is lost, each way
    drip: float = 0  # TCP: between single bytes, down
    drip_after: int = 0  # so much goes through before the dripping
    stall_after: int | None = None  # TCP: nothing more goes down, the connection stays
    reset_after: int | None = None  # TCP: RST to the client
    half_close_after: int | None = None  # TCP: FIN to the client, which may go on writing


def reset(peer: socket.socket) -> None:
    """Ends a connection with RST."""
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class TcpRelay:
    """Takes connections on a port of its own and passes them to `target`. The faults may be changed while it runs: they hold for what comes after."""

    def __init__(self, target: int, faults: Faults | None = None, port: int = 0) -> None:
        self.target, self.faults, self.random = target, faults or Faults(), random.Random(1)
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = port
        self._is_over = False
        self.up()

    def __enter__(self) -> TcpRelay:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.down()

    def up(self) -> None:
        """Begins to listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """As a server that is killed: nobody listens, and who is connected gets RST."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        with self._lock:
            peers, self._open = self._open, set()
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
                server.settimeout(None)
            except OSError:
                reset(client)
                continue
            with self._lock:
                self._open |= {client, server}
            for one, other, is_down in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(one, other, is_down), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, is_down: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError, ValueError):
            while True:
                data = one.recv(65536)
                if not data:
                    other.shutdown(socket.SHUT_WR)
                    return
                if self.faults.delay or self.faults.jitter:
                    time.sleep(self.faults.delay + self.random.uniform(0, self.faults.jitter))
                if not is_down:
                    other.sendall(data)
                elif not self._send(other, data, passed):
                    return
                passed += len(data)
        for peer in (one, other):
            with self._lock:
                self._open.discard(peer)
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _send(self, client: socket.socket, data: bytes, passed: int) -> bool:
        """Sends down what the faults leave of it; False: that was all."""
        faults = self.faults
        for limit, end in ((faults.stall_after, self._hold), (faults.reset_after, reset), (faults.half_close_after, self._half_close)):
            if limit is not None and passed + len(data) > limit:
                client.sendall(data[: max(0, limit - passed)])
                end(client)
                return False
        fast = max(0, faults.drip_after - passed) if faults.drip else len(data)
        client.sendall(data[:fast])
        for byte in data[fast:]:
            client.sendall(bytes([byte]))
            time.sleep(faults.drip)
        return True

    def _hold(self, _: socket.socket) -> None:
        """Nothing more comes, and nothing is closed until the relay is."""
        while not self._is_over:
            time.sleep(0.02)

    def _half_close(self, client: socket.socket) -> None:
        client.shutdown(socket.SHUT_WR)
        self._hold(client)


class UdpRelay:
    """Passes datagrams between whoever sends to its port and `target`, with loss, delay and jitter (so also with changed order). The same seed loses the same ones."""

    def __init__(self, target: int, faults: Faults | None = None) -> None:
        self.target, self.faults, self.random = target, faults or Faults(), random.Random(1)
        self.passed = self.lost = 0
        self._inner, self._outer = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._outer.bind(("127.0.0.1", 0))
        self._inner.bind(("127.0.0.1", 0))
        self.port = self._outer.getsockname()[1]
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> UdpRelay:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self._inner.close()
        self._outer.close()

    def _run(self) -> None:
        client: tuple[str, int] | None = None
        waiting: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = []
        count = 0
        while not self._is_over:
            wait = min(0.05, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.05
            for ready in select.select([self._outer, self._inner], [], [], wait)[0]:
                try:
                    data, sender = ready.recvfrom(65536)
                except OSError:  # the target is not there yet
                    continue
                if ready is self._outer:
                    client = sender
                if self.random.random() < self.faults.loss:
                    self.lost += 1
                    continue
                out, to = (self._inner, ("127.0.0.1", self.target)) if ready is self._outer else (self._outer, client)
                if to is not None:
                    when = time.monotonic() + self.faults.delay + self.random.uniform(0, self.faults.jitter)
                    count += 1
                    heapq.heappush(waiting, (when, count, out, to, data))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, out, to, data = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    out.sendto(data, to)
                    self.passed += 1
