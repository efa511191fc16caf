"""Servers that speak MongoDB's protocol: SecantusDB, which is a replica set of one, and NX-27017, a single server."""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import children
from tests.services.ports import HOST, free_port

START_SECONDS = 60.0
SECANTUS = "secantusd-py"
NX = "nx-27017"
_WHEELS = {SECANTUS: "secantusdb", NX: "nx-27017"}
#: A command {ping: 1, $db: "admin"} as OP_MSG, which every server of MongoDB answers.
_PING_DOCUMENT = b"\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0"
_PING_BODY = b"\0\0\0\0\0" + struct.pack("<i", len(_PING_DOCUMENT) + 4) + _PING_DOCUMENT


class Missing(Exception):
    """No such server can be started here."""


class MongoServer:
    """A server on a port of this host with its data in its own folder.

    It may be killed, frozen and started again; what it had on its disk is there again afterwards.
    """

    def __init__(self, folder: Path, kind: str, *flags: str) -> None:
        """``flags`` are added to its command line."""
        self.folder = folder
        self.kind = kind
        self.port = free_port()
        self.flags = flags
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the plugin's keys of ``Q_CLUSTER``, with a database that nobody else has."""
        where: dict[str, Any] = {"host": HOST, "port": self.port}
        return {"mongo": {**where, **more}, "mongo_db": f"site_{next(self._numbers)}"}

    def start(self) -> None:
        """Start it and wait until it answers; raises Missing with the reason."""
        self._process = children.start(self._command(), self.folder, self.folder / "log", on_death=signal.SIGKILL)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise Missing(f"{self.kind} did not start: {self._log()[-500:]}")
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

    def _command(self) -> list[str | Path]:
        place = ["--host", HOST, "--port", str(self.port)]
        data = self.folder / "data"
        if self.kind == SECANTUS:
            own: list[str | Path] = ["--storage-path", data, "--cache-size", "64M", "--log-level", "WARNING"]
        else:
            own = ["--data-dir", data, "--log-file", self.folder / "own.log", "--pid-file", self.folder / "pid"]
        return [_program(self.kind), *place, *own, *self.flags]

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _answers(self) -> bool:
        with socket.socket() as client:
            client.settimeout(1.0)
            try:
                client.connect((HOST, self.port))
                client.sendall(struct.pack("<iiii", 16 + len(_PING_BODY), 1, 0, 2013) + _PING_BODY)
                return len(client.recv(64)) > 16
            except OSError:
                return False


def _program(kind: str) -> Path:
    """Return the path of a server's program; raises Missing with the reason."""
    for folder in (Path(sys.executable).parent, *map(Path, filter(None, [shutil.which(kind)]))):
        path = folder if folder.is_file() else folder / kind
        if path.is_file():
            return path
    raise Missing(f"no {kind}: the wheel {_WHEELS[kind]} is not installed")


@contextmanager
def running(kind: str = SECANTUS, *flags: str) -> Iterator[MongoServer]:
    """Start a new server for as long as the context lasts; raises Missing with the reason."""
    server = MongoServer(Path(tempfile.mkdtemp(prefix="djq-mo-")), kind, *flags)
    try:
        server.start()
        yield server
    finally:
        server.close()
