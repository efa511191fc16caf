"""The tests' own MariaDB starts, answers, and never outlives the tests."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.services import debian, mariadb, unavailable
from tests.services.mariadb import MariaServer
from tests.test_services import gone

ROOT = Path(__file__).resolve().parent.parent


def test_each_test_gets_an_empty_database(mariadb_database: dict[str, Any], mariadb_server: MariaServer) -> None:
    assert mariadb_server.execute(f"SHOW TABLES FROM `{mariadb_database['NAME']}`") == []


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # PyMySQL leaves it where nobody answers
def test_what_was_committed_survives_a_kill_and_connections_do_not() -> None:
    try:
        with mariadb.running() as server:
            name = server.create_database()
            server.execute(f"CREATE TABLE {name}.kept AS SELECT 7 AS number")
            with server.connect(name) as connection, connection.cursor() as cursor:
                again = server.restart()
                with pytest.raises(pymysql.OperationalError):
                    cursor.execute("SELECT 1")
            assert again.execute(f"SELECT number FROM {name}.kept") == [(7,)]
            again.stop()
    except mariadb.Missing as error:
        unavailable(str(error))
    gc.collect()


def test_connections_are_ended_whatever_they_do(mariadb_server: MariaServer) -> None:
    name = mariadb_server.create_database()
    ended: list[int] = []

    def sleep() -> None:
        try:
            with mariadb_server.connect(name) as connection, connection.cursor() as cursor:
                ready.set()
                cursor.execute("SELECT SLEEP(60)")
        except pymysql.OperationalError as error:
            ended.append(error.args[0])

    ready = threading.Event()
    thread = threading.Thread(target=sleep)
    thread.start()
    ready.wait(10)
    mariadb_server.drop_database(name)
    thread.join(10)
    assert len(ended) == 1
    assert name not in [row[0] for row in mariadb_server.execute("SHOW DATABASES")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's death")
def test_a_server_ends_when_the_tests_are_killed(mariadb_server: MariaServer) -> None:
    script = (
        "from tests.services import mariadb\n"
        "with mariadb.running() as server:\n"
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


def test_a_program_that_is_there_is_not_installed() -> None:
    assert debian.program("sh", "no-such-package") == shutil.which("sh")
