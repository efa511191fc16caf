"""The stand-in as the tests see it: a process that they start, kill, freeze and ask to misbehave."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.services import children
from tests.services.ironmq.faults import Fault
from tests.services.ironmq.web import CUT, FAULTS
from tests.services.ports import HOST, free_port

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30.0
PROJECT = "53f6a2c9d1e0"


class IronServer:
    """A server on a private port; what it accepted is there again after a kill."""

    def __init__(self, folder: Path, *, token: str = "t0ken-of-the-tests", **limits: int) -> None:
        """``limits`` are those of :class:`tests.services.ironmq.api.Limits`."""
        self.folder = folder
        self.port = free_port()
        self.token = token
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["iron_mq"]``."""
        place = {"protocol": "http", "host": HOST, "port": self.port}
        return {**place, "token": self.token, "project_id": PROJECT, **more}

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = json.dumps({"project": PROJECT, "token": self.token, **self._limits})
        command = [sys.executable, "-m", "tests.services.ironmq", str(self.port), str(self.folder), options]
        log = self.folder / "log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = children.start(command, self.folder, log, environment=environment, on_death=signal.SIGKILL)
        until = time.monotonic() + START_SECONDS
        while not self._listens():
            is_over = self._process.poll() is not None or time.monotonic() > until
            assert not is_over, f"the stand-in of IronMQ did not start: {log.read_text()}"
            time.sleep(0.01)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

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

    def cut(self) -> None:
        """Let every open connection go silent without closing it; new ones are served."""
        self._tell(CUT, {})

    def fault(self, **fields: Any) -> None:
        """Let it misbehave; the fields are those of :class:`Fault`."""
        self._tell(FAULTS, asdict(Fault(**fields)))

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tell(self, path: str, body: dict[str, Any]) -> None:
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), {"Connection": "close"})
            assert connection.getresponse().read() == b"{}"
        finally:
            connection.close()

    def _listens(self) -> bool:
        with socket.socket() as client:
            client.settimeout(1.0)
            return client.connect_ex((HOST, self.port)) == 0


@contextmanager
def running(**options: Any) -> Iterator[IronServer]:
    """Start a new server for as long as the context lasts."""
    server = IronServer(Path(tempfile.mkdtemp(prefix="djq-iron-")), **options)
    try:
        server.start()
        yield server
    finally:
        server.close()
