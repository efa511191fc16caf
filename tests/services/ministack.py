"""A server of the tests' own that stands in for SQS: MiniStack, whose queues are in its memory."""

from __future__ import annotations

import http.client
import importlib.util
import os
import shutil
import signal
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

START_SECONDS = 30.0
#: Time-outs that a test can wait for; those of the others bear a machine that has much to do.
IMPATIENT = {"connect_timeout": 1, "read_timeout": 2}
#: What every client of the tests is given, credentials that the server takes among it.
SETTINGS = {
    "aws_region": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "s3cr3t-k3y",
    "config": {"connect_timeout": 5, "read_timeout": 15},
}


class Missing(Exception):
    """No MiniStack can be started here."""


class MiniStack:
    """A server on a port of this host, in a process of its own that may be frozen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None
        return self._process

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["sqs"]``."""
        return settings(self.port, **more)

    def start(self) -> None:
        """Start it and wait until it answers; raises Missing with the reason."""
        if importlib.util.find_spec("ministack") is None:
            raise Missing("no server for SQS: ministack is not installed")
        environment = {**os.environ, "BIND_HOST": HOST, "SERVICES": "sqs", "GATEWAY_PORT": str(self.port)}
        log = self.folder / "log"
        command = [sys.executable, "-m", "ministack"]
        self._process = children.start(command, self.folder, log, environment=environment, on_death=signal.SIGKILL)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise Missing(f"MiniStack did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)

    def pause(self) -> None:
        """Let it answer nothing, without closing a connection."""
        children.pause(self.process)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def running() -> Iterator[MiniStack]:
    """Start a new server for as long as the context lasts; raises Missing with the reason."""
    server = MiniStack(Path(tempfile.mkdtemp(prefix="djq-sqs-")))
    try:
        server.start()
        yield server
    finally:
        server.close()


def settings(port: int, **more: Any) -> dict[str, Any]:
    """Return the value of ``Q_CLUSTER["sqs"]`` for a port of this host."""
    return {**SETTINGS, "endpoint_url": f"http://{HOST}:{port}", **more}
