"""The stand-in shows jobs and queues, and is walked through, as a Disque server is."""

from __future__ import annotations

import time

import pytest
import redis

from plugins.djq_disque.tests.standin.wire import BADID, UNKNOWN, Wire, add, bodies, jobs, told

# 7: walks


def test_a_walk_leaves_nothing_out(client: redis.Redis, queue: str) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(1_000):
            pipe.execute_command("ADDJOB", f"{queue}-{number}", "b", 0, "DELAY", 60 * (number % 2))
        ids = set(pipe.execute())
    assert walk(client, "JSCAN", "COUNT", 90) >= ids
    names = {f"{queue}-{number}".encode() for number in range(0, 1_000, 2)}
    assert walk(client, "QSCAN", "COUNT", 90, "MINLEN", 1) >= names
    assert walk(client, "JSCAN", "QUEUE", f"{queue}-3") <= ids
    assert len(walk(client, "JSCAN", "QUEUE", f"{queue}-3", "STATE", "active")) == 1
    assert walk(client, "JSCAN", "QUEUE", f"{queue}-3", "STATE", "queued", "STATE", "acked") == set()
    for command, wanted in (("JSCAN", ids), ("QSCAN", names)):
        cursor, found = client.execute_command(command, "BUSYLOOP")
        assert cursor == b"0"
        assert wanted <= set(found)
    client.execute_command("FASTACK", *ids)


def walk(client: redis.Redis, command: str, *options: object) -> set[bytes]:
    cursor, found = b"0", set()
    while True:
        cursor, some = client.execute_command(command, cursor, *options)
        found |= set(some)
        if cursor == b"0":
            return found


def test_walks_reply_so(wire: Wire, queue: str) -> None:
    id = add(wire, queue)
    assert wire("JSCAN", "BUSYLOOP", "QUEUE", queue) == f"*2\r\n$1\r\n0\r\n*1\r\n+{id}\r\n".encode()
    shown = wire("SHOW", id)
    answer = wire("JSCAN", "BUSYLOOP", "QUEUE", queue, "REPLY", "all")
    assert answer.startswith(b"*2\r\n$1\r\n0\r\n*1\r\n*30\r\n")
    assert answer[15:].split(b"$3\r\nttl")[0] == shown.split(b"$3\r\nttl")[0]
    assert f"${len(queue)}\r\n{queue}\r\n".encode() in wire("QSCAN", "BUSYLOOP", "MAXLEN", 1)
    assert wire("JSCAN", "WHAT") == b"-ERR invalid cursor or option name\r\n"
    assert wire("JSCAN", "STATE", "what") == b"-ERR Invalid job state name\r\n"
    assert wire("JSCAN", "REPLY", "what") == b"-ERR Invalid REPLY type, try ID or ALL\r\n"


# 8: looks

SHOWN = [
    "id", "queue", "state", "repl", "ttl", "ctime", "delay", "retry", "nacks", "additional-deliveries",
    "nodes-delivered", "nodes-confirmed", "next-requeue-within", "next-awake-within", "body",
]  # fmt: skip


def test_a_job_is_shown_so(wire: Wire, client: redis.Redis, queue: str) -> None:
    queued, delayed, once = add(wire, queue), add(wire, queue, "b", "DELAY", 9), add(wire, f"{queue}1", "b", "RETRY", 0)
    for id, state in ((queued, b"queued"), (delayed, b"active")):
        shown = told(client, id)
        assert list(shown) == SHOWN
        assert (shown["id"], shown["queue"], shown["state"]) == (id.encode(), queue.encode(), state)
        assert shown["ctime"] / 1e9 == pytest.approx(time.time(), abs=5)
        assert len(shown["nodes-delivered"][0]) == 40
    assert told(client, delayed)["delay"] == 9
    bodies(wire, queue)
    assert told(client, queued)["state"] == b"active"
    assert told(client, once)["next-requeue-within"] is None
    assert wire("SHOW", UNKNOWN) == b"$-1\r\n"
    assert wire("SHOW", "malformed") == BADID


def test_a_queue_is_shown_so(wire: Wire, client: redis.Redis, queue: str) -> None:
    assert wire("QSTAT", queue) == b"*-1\r\n"
    assert wire("QPEEK", queue, 3) == b"*0\r\n"
    for body in "abc":
        add(wire, queue, body)
    answer = client.execute_command("QSTAT", queue)
    names = ["name", "len", "age", "idle", "blocked", "import-from", "import-rate", "jobs-in", "jobs-out", "pause"]
    assert [name.decode() for name in answer[::2]] == names
    assert dict(zip(names, answer[1::2], strict=True)) | {"age": 0, "idle": 0} == {
        "name": queue.encode(), "len": 3, "age": 0, "idle": 0, "blocked": 0, "import-from": [], "import-rate": 0,
        "jobs-in": 3, "jobs-out": 0, "pause": b"none",
    }  # fmt: skip
    assert jobs(wire("QPEEK", queue, 2)) == [b"a", b"b"]
    assert jobs(wire("QPEEK", queue, -2)) == [b"c", b"b"]


def test_the_server_is_told_of(wire: Wire, client: redis.Redis) -> None:
    seconds, micro = client.execute_command("TIME")
    assert int(seconds) == pytest.approx(time.time(), abs=5)
    assert 0 <= int(micro) < 1_000_000
    found = client.info()
    for name in ("disque_version", "tcp_port", "uptime_in_seconds", "used_memory", "registered_jobs", "aof_enabled"):
        assert name in found
    assert wire("INFO", "what") == b"$0\r\n\r\n"
    own = client.execute_command("CLUSTER", "MYID").decode()
    alone = f"*3\r\n:1\r\n$40\r\n{own}\r\n*4\r\n$40\r\n{own}\r\n$0\r\n\r\n"
    assert wire("HELLO").startswith(alone.encode())
    for command in ("INFO", "NODES"):
        assert wire("CLUSTER", command).startswith(b"$")
