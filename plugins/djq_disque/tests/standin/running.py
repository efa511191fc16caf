"""Nodes as child processes of the tests: started, joined, killed, frozen, and started again on their data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services import children
from tests.services.ports import HOST, free_port

ROOT = Path(__file__).parents[4]
START_SECONDS = 30.0


class DisqueNode:
    """One node in a folder of its own, on a port of its own."""

    def __init__(self, **options: str) -> None:
        """``options`` are lines of its configuration, with underscores for hyphens."""
        self.folder = Path(tempfile.mkdtemp(prefix="djq-dq-"))
        self.port = free_port()
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Its entry in ``Q_CLUSTER["disque_nodes"]``."""
        return f"{HOST}:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        given = {"port": str(self.port), "dir": str(self.folder), **self.options}
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
        command = [sys.executable, "-S", "-m", "plugins.djq_disque.tests.standin", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
        self._process = children.start(
            command, self.folder, self.folder / "log", environment=environment, on_death=signal.SIGKILL
        )

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            is_lost = self.process.poll() is not None or time.monotonic() > until
            assert not is_lost, (self.folder / "log").read_text()
            time.sleep(0.01)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        self.wait()

    def kill(self) -> None:
        """Kill -9 it."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Let it answer nothing, without closing a connection."""
        children.pause(self.process)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, **more: object) -> redis.Redis:
        """Return a client of this node; close it."""
        once = Retry(NoBackoff(), 0)
        words = {"password": self.options.get("requirepass"), "protocol": 2, "retry": once, **more}
        return redis.Redis(host=HOST, port=self.port, **words)  # type: ignore[arg-type]

    def say(self, *words: object) -> object:
        """Send one command and return the reply."""
        with self.client() as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _answers(self) -> bool:
        with socket.socket() as client:
            client.settimeout(1.0)
            try:
                client.connect((HOST, self.port))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False


class DisqueCluster:
    """Nodes that are joined; what is done to all of them is done by the methods."""

    def __init__(self, nodes: Sequence[DisqueNode]) -> None:
        self.nodes = nodes

    @property
    def names(self) -> list[str]:
        """The value of ``Q_CLUSTER["disque_nodes"]``."""
        return [node.name for node in self.nodes]

    def start(self) -> None:
        """Start all, join them, and wait until each reaches each."""
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait()
        for node in self.nodes[1:]:
            self.nodes[0].say("CLUSTER", "MEET", HOST, node.port)
        self.wait_joined()

    def wait_joined(self) -> None:
        """Wait until each node reaches each."""
        until = time.monotonic() + START_SECONDS
        while not all(len(self.nodes) == self.reachable_from(node) for node in self.nodes):
            assert time.monotonic() < until, "the nodes do not find each other"
            time.sleep(0.02)

    def reachable_from(self, node: DisqueNode) -> int:
        """Return how many nodes one of them reaches, itself included."""
        return sum(priority == b"1" for priority in self.priorities(node))

    def missed_by(self, node: DisqueNode) -> int:
        """Return how many nodes one of them has given up."""
        return sum(priority == b"100" for priority in self.priorities(node))

    @staticmethod
    def priorities(node: DisqueNode) -> list[bytes]:
        """Return the priorities that a node tells, its own first."""
        _, _, *nodes = node.say("HELLO")  # type: ignore[misc]
        return [priority for *_, priority in nodes]

    def kill(self) -> None:
        """Kill -9 all."""
        for node in self.nodes:
            node.kill()

    def pause(self) -> None:
        """Let none answer."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """Let all go on."""
        for node in self.nodes:
            node.resume()

    def cut(self) -> None:
        """Let every open connection of a client go silent; new ones are served."""
        for node in self.nodes:
            node.say("STANDIN.MUTE")

    def close(self) -> None:
        """End all."""
        for node in self.nodes:
            node.close()


@contextmanager
def running(count: int = 1, **options: str) -> Iterator[DisqueCluster]:
    """Start so many nodes that know each other, for as long as the context lasts."""
    cluster = DisqueCluster([DisqueNode(**options) for _ in range(count)])
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
