"""The tests' own servers start, answer, and never outlive the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from tests.services import children, postgres, unavailable
from tests.services.fixtures import StartValkey
from tests.services.ports import free_port
from tests.services.valkey import ValkeyServer

ROOT = Path(__file__).resolve().parent.parent


def connect(database: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=database["HOST"], port=database["PORT"], user=database["USER"], dbname=database["NAME"], autocommit=True
    )


def gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_each_test_gets_an_empty_database(postgres_database: dict[str, Any]) -> None:
    with connect(postgres_database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row == (0,)


def test_data_survives_a_restart_and_connections_do_not() -> None:
    with postgres.running() as server:
        database = server.settings(server.create_database())
        with connect(database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            again = server.restart()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with connect(database) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        again.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's death")
@pytest.mark.parametrize("service", ["postgres", "valkey"])
def test_a_server_ends_when_the_tests_are_killed(service: str) -> None:
    script = (
        f"from tests.services import {service}\n"
        f"with {service}.running() as server:\n"
        "    print(server.process.pid, server.folder, flush=True)\n"
        "    input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    pid, folder = parent.stdout.readline().split()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    parent.stdin.close()
    assert gone(int(pid))
    shutil.rmtree(folder)


def valkey(server: ValkeyServer, **options: Any) -> redis.Redis:
    return redis.Redis(unix_socket_path=server.socket, **options)


def test_valkey_keeps_its_append_only_file_when_killed(start_valkey: StartValkey) -> None:
    server = start_valkey(appendonly="yes")
    with valkey(server) as client:
        client.set("kept", "7")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.set("lost", "8")
        server.start()
        assert client.get("kept") == b"7"


def test_a_frozen_valkey_accepts_and_answers_nothing(start_valkey: StartValkey) -> None:
    server = start_valkey(requirepass="secret")
    with valkey(server, password="secret", socket_timeout=0.2, retry=None) as client:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()
        assert client.ping()


def test_each_one_gets_a_database_number_of_its_own(valkey_server: ValkeyServer) -> None:
    assert valkey_server.settings()["db"] != valkey_server.settings()["db"]


def test_a_stubborn_server_is_killed(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    process = children.start([sys.executable, "-c", script], tmp_path, tmp_path / "log")
    while not (tmp_path / "log").read_text():
        time.sleep(0.02)
    assert children.stop(process, seconds=0.1) == -signal.SIGKILL


def test_a_missing_server_skips_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no server"):
        unavailable("no server")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="no server"):
        unavailable("no server")


def test_a_port_is_given_to_one_process_of_the_tests() -> None:
    mine, others = free_port(), free_port()
    with socket.socket(socket.AF_UNIX) as claim, pytest.raises(OSError, match="in use"):
        claim.bind(f"\0djq-tests-port-{others}")
    program = f"from tests.services.ports import free_port; print(free_port([{mine}, {others}, {others + 1}]))"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert int(told.stdout) == others + 1
