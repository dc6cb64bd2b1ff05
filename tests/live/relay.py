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


def linger_none(peer: socket.socket) -> None:
    """From now on its close sends RST."""
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Pair:
    """A client and its connection to the server. A socket that a thread is blocked in is not closed by close(2): the last of both threads closes both."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.left = threading.Event()  # the client sends no more
        self.drip = 0.0
        self._ended: set[bool] = set()
        self._lock = threading.Lock()

    def ended(self, is_down: bool) -> bool:
        """A direction is over. True: so is the other."""
        with self._lock:
            self._ended.add(is_down)
            if len(self._ended) < 2:
                # What fails in one direction is over in the other too, but for a half-closed line.
                with contextlib.suppress(OSError):
                    (self.client if is_down else self.server).shutdown(socket.SHUT_RD if is_down else socket.SHUT_RDWR)
            return len(self._ended) == 2


class TcpRelay:
    """Takes connections on a port of its own and passes them to `target`. The faults may be changed while it runs: they hold for what comes after."""

    def __init__(self, target: int, faults: Faults | None = None, port: int = 0) -> None:
        self.target, self.faults, self.random = target, faults or Faults(), random.Random(1)
        self.connections = 0
        self.faulted_at: float | None = None  # when the last fault began (time.monotonic)
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
            linger_none(peer)
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RD)  # its threads wake and close it

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
                linger_none(client)
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            pair = Pair(client, server)
            for is_down in (False, True):
                threading.Thread(target=self._serve, args=(pair, is_down), daemon=True).start()

    def _serve(self, pair: Pair, is_down: bool) -> None:
        with contextlib.suppress(OSError):
            self._pass(pair, is_down)
        if not is_down:
            pair.left.set()
        if not pair.ended(is_down):
            return
        with self._lock:
            self._open -= {pair.client, pair.server}
        pair.client.close()
        pair.server.close()

    def _pass(self, pair: Pair, is_down: bool) -> None:
        one, other = (pair.server, pair.client) if is_down else (pair.client, pair.server)
        passed = 0
        while data := one.recv(65536):
            if self.faults.delay or self.faults.jitter:
                time.sleep(self.faults.delay + self.random.uniform(0, self.faults.jitter))
            if not is_down:
                other.sendall(data)
            elif not self._send(pair, data, passed):
                return
            passed += len(data)
        other.shutdown(socket.SHUT_WR)

    def _send(self, pair: Pair, data: bytes, passed: int) -> bool:
        """Sends down what the faults leave of it; False: that was all."""
        faults, client = self.faults, pair.client
        for limit, end in ((faults.stall_after, self._hold), (faults.reset_after, self._reset), (faults.half_close_after, self._half_close)):
            if limit is not None and passed + len(data) > limit:
                client.sendall(data[: max(0, limit - passed)])
                self.faulted_at = time.monotonic()
                end(pair)
                return False
        fast = 0 if pair.drip else max(0, faults.drip_after - passed) if faults.drip else len(data)
        client.sendall(data[:fast])
        if fast < len(data) and not pair.drip:
            pair.drip, self.faulted_at = faults.drip, time.monotonic()  # from here on the line drips
        for byte in data[fast:]:
            client.sendall(bytes([byte]))
            if pair.left.wait(pair.drip):
                return False
        return True

    def _hold(self, pair: Pair) -> None:
        """Nothing more comes, and nothing is closed until the client is gone or the relay ends."""
        while not self._is_over and not pair.left.wait(0.05):
            pass

    def _half_close(self, pair: Pair) -> None:
        pair.client.shutdown(socket.SHUT_WR)
        self._hold(pair)

    def _reset(self, pair: Pair) -> None:
        linger_none(pair.client)
        pair.client.shutdown(socket.SHUT_RD)  # wakes the other thread: the last one closes, which sends RST


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
