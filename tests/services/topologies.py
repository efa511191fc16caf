"""Several Valkey servers that belong together: a cluster, and a primary that Sentinel watches."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.services import children, valkey
from tests.services.ports import free_port
from tests.services.valkey import Missing, ValkeyServer

SLOTS = 16_384
SERVICE = "primary"


class ValkeyCluster:
    """Primaries that share the slots; they may be killed, paused and started again, all of them at once."""

    def __init__(self, nodes: list[ValkeyServer]) -> None:
        self.nodes = nodes

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["redis"]``."""
        return {"startup_nodes": [("127.0.0.1", node.port) for node in self.nodes], **more}

    def join(self) -> None:
        """Share the slots out and make the nodes known to each other."""
        first, *others = self.nodes
        for number, node in enumerate(self.nodes):
            start, end = (SLOTS * each // len(self.nodes) for each in (number, number + 1))
            _ask(node, "CLUSTER", "ADDSLOTSRANGE", start, end - 1)
        for number, node in enumerate(others, 2):
            _ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number)
            _ask(node, "CLUSTER", "MEET", "127.0.0.1", first.port, int(first.options["cluster_port"]))
        self.wait()

    def wait(self) -> None:
        """Wait until every node takes part; raises Missing when that takes too long."""
        _until(lambda: all(map(_is_whole, self.nodes)), "the nodes do not make a cluster")

    def forget_scripts(self) -> None:
        """Let every node be as new to the scripts that it has run."""
        for node in self.nodes:
            _ask(node, "SCRIPT", "FLUSH")

    def kill(self) -> None:
        """Kill -9 all nodes."""
        for node in self.nodes:
            node.kill()

    def start(self) -> None:
        """Start all nodes again."""
        for node in self.nodes:
            node.start()
        self.wait()

    def pause(self) -> None:
        """Let no node answer."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """Let them go on."""
        for node in self.nodes:
            node.resume()


class SentinelGroup:
    """A primary, perhaps a replica, and a sentinel; another sentinel that is named is down."""

    def __init__(self, folder: Path, primary: ValkeyServer, replica: ValkeyServer | None, password: str = "") -> None:
        self.primary = primary
        self.replica = replica
        self.port = free_port()
        self._folder = folder
        self._password = password
        self._down = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["redis"]`` for a database number that nobody else has."""
        place = self.primary.settings()["db"]
        words = {"sentinel_kwargs": {"password": self._password}} if self._password else {}
        nodes = [("127.0.0.1", self._down), ("127.0.0.1", self.port)]
        return {"sentinels": nodes, "service_name": SERVICE, "db": place, **words, **more}

    def watch(self) -> None:
        """Start the sentinel and wait until it knows the primary, and the replica where there is one."""
        if self.replica is not None:
            _ask(self.replica, "REPLICAOF", "127.0.0.1", self.primary.port)
        self._folder.joinpath("conf").write_text(self._configuration())
        command = [str(valkey.binary()), str(self._folder / "conf"), "--sentinel"]
        self._process = children.start(command, self._folder, self._folder / "log", on_death=signal.SIGKILL)
        _until(self._is_ready, "the sentinel does not watch the primary")

    def kill(self) -> None:
        """Kill -9 the primary."""
        self.primary.kill()

    def start(self) -> None:
        """Start the primary again and wait until the sentinel has seen it."""
        self.primary.start()
        _until(self._is_ready, "the sentinel does not find the primary again")

    def pause(self) -> None:
        """Let the primary answer nothing."""
        self.primary.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.primary.resume()

    def stop(self) -> None:
        """End the sentinel."""
        if self._process is not None:
            children.stop(self._process, signal.SIGKILL)

    def _configuration(self) -> str:
        # where nobody can take over, a primary that is called down for a moment, on a busy machine, helps no test
        patience = 30_000 if self.replica is None else 500
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self._folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 1",
            f"sentinel down-after-milliseconds {SERVICE} {patience}",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]
        return "\n".join([*lines, f"requirepass {self._password}" if self._password else ""]) + "\n"

    def _is_ready(self) -> bool:
        client = redis.Redis(port=self.port, password=self._password or None, socket_timeout=1)
        try:
            masters: Any = client.sentinel_masters()
            told = masters[SERVICE]
        except (redis.RedisError, KeyError):
            return False
        finally:
            client.close()
        return told["flags"] == "master" and (self.replica is None or told["num-slaves"] == 1)


@contextmanager
def cluster(count: int = 3) -> Iterator[ValkeyCluster]:
    """Start a cluster for as long as the context lasts; raises Missing with the reason."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                valkey.running(
                    port=free_port(),
                    cluster_enabled="yes",
                    cluster_port=str(free_port()),
                    cluster_node_timeout="2000",
                    databases="1",
                    appendonly="yes",
                )
            )
            for _ in range(count)
        ]
        made = ValkeyCluster(nodes)
        made.join()
        yield made


@contextmanager
def sentinel(*, has_replica: bool = False, password: str = "") -> Iterator[SentinelGroup]:
    """Start a primary under Sentinel for as long as the context lasts; raises Missing with the reason."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(valkey.running(port=free_port(), appendonly="yes", repl_diskless_sync_delay="0"))
            for _ in range(1 + has_replica)
        ]
        folder = Path(tempfile.mkdtemp(prefix="djq-se-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        group = SentinelGroup(folder, servers[0], servers[1] if has_replica else None, password)
        stack.callback(group.stop)
        group.watch()
        yield group


def _ask(server: ValkeyServer, *words: Any) -> Any:
    with redis.Redis(unix_socket_path=server.socket) as client:
        return client.execute_command(*words)


def _is_whole(node: ValkeyServer) -> bool:
    return b"cluster_state:ok" in _ask(node, "CLUSTER", "INFO")


def _until(look: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + valkey.START_SECONDS
    while not look():
        if time.monotonic() > until:
            raise Missing(otherwise)
        time.sleep(0.02)
