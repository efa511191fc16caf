"""The stand-in answers as a Disque server does: connecting, ADDJOB, GETJOB, byte for byte."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import redis

from plugins.djq_disque.tests.conftest import StartDisque
from plugins.djq_disque.tests.standin.running import DisqueNode
from plugins.djq_disque.tests.standin.wire import Wire, add, bodies, jobs, told, wired
from tests.harness.waiting import wait_until

ID = re.compile(rb"D-[0-9a-f]{8}-[A-Za-z0-9+/]{24}-[0-9a-f]{4}")
NO_PASSWORD = b"-ERR Client sent AUTH, but no password is set\r\n"


def took(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


# 1: connecting


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["PING"], b"+PONG\r\n"),
        (["ping", "x"], b"$1\r\nx\r\n"),
        (["AUTH", "pw"], NO_PASSWORD),
        (["AUTH", "user", "pw"], b"-ERR wrong number of arguments for 'auth' command\r\n"),
        (["HELLO", "3"], b"-ERR wrong number of arguments for 'hello' command\r\n"),
        (
            ["CLIENT", "SETINFO", "LIB-NAME", "x"],
            b"-ERR Syntax error, try CLIENT (LIST | KILL ip:port | GETNAME | SETNAME connection-name)\r\n",
        ),
        (["CLIENT", "SETNAME", "x"], b"+OK\r\n"),
        (["SELECT", "0"], b"-ERR unknown command 'SELECT'\r\n"),
    ],
)
def test_a_connection_begins_so(wire: Wire, words: list[str], reply: bytes) -> None:
    assert wire(*words) == reply


def test_quit_closes(wire: Wire) -> None:
    assert wire("QUIT") == b"+OK\r\n"
    assert wire.socket.recv(1) == b""


def test_requests_may_be_inline_and_many(wire: Wire, queue: str) -> None:
    wire.socket.sendall(f"QLEN {queue}\r\nPING\r\nqlen {queue}\r\n".encode())
    assert wire.read() == b":0\r\n+PONG\r\n:0\r\n"


def test_a_password_is_asked_for(start_disque: StartDisque) -> None:
    (locked,) = start_disque(requirepass="s3cr3t").nodes
    with wired(locked) as wire:
        assert wire("PING") == b"-NOAUTH Authentication required.\r\n"
        assert wire("AUTH", "wrong") == b"-ERR invalid password\r\n"
        assert wire("AUTH", "s3cr3t") == b"+OK\r\n"
        assert wire("PING") == b"+PONG\r\n"
    with locked.client(username="u") as client:
        assert client.ping()
    for words in ({"password": "wrong"}, {"password": None}):
        with locked.client(**words) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_redis_py_connects_with_resp2_to_database_0_alone(node: DisqueNode) -> None:
    with node.client(client_name="x", health_check_interval=1) as client:
        assert client.ping()
        assert client.info()["disque_version"] == "1.0-rc1"
        with client.pipeline(transaction=False) as pipe:
            assert pipe.ping().ping().execute() == [True, True]
    for words in ({"protocol": 3}, {"db": 1}):
        with node.client(**words) as client, pytest.raises(redis.RedisError):
            client.ping()


# 2: ADDJOB


def test_a_job_has_an_id_that_tells_its_ttl(wire: Wire, queue: str) -> None:
    reply = wire("ADDJOB", queue, "b", 0)
    assert reply[:1] == b"+"
    assert ID.fullmatch(reply[1:-2])
    assert reply[-6:-2] == b"05a1"
    for options, digits in (
        (["RETRY", 0], "05a0"),
        (["TTL", 600], "000b"),
        (["TTL", 660, "RETRY", 0], "000a"),
        (["TTL", 999_999_999], "ffff"),
        (["TTL", 5], "0001"),
    ):
        assert add(wire, queue, "b", *options).endswith(digits)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["q", "b"], "ERR wrong number of arguments for 'addjob' command"),
        (["q", "b", "x"], "ERR timeout is not an integer or out of range"),
        (["q", "b", -1], "ERR timeout is negative"),
        (["q", "b", 0, "WHAT"], "ERR syntax error"),
        (["q", "b", 0, "REPLICATE", 0], "ERR REPLICATE must be between 1 and 65535"),
        (["q", "b", 0, "replicate", 65_536], "ERR REPLICATE must be between 1 and 65535"),
        (["q", "b", 0, "TTL", 0], "ERR TTL must be a number > 0"),
        (["q", "b", 0, "RETRY", -1], "ERR RETRY time must be a non negative number"),
        (["q", "b", 0, "DELAY", -1], "ERR DELAY time must be a non negative number"),
        (["q", "b", 0, "MAXLEN", 0], "ERR MAXLEN must be a positive number"),
        (
            ["q", "b", 0, "RETRY", 0, "REPLICATE", 2],
            "ERR With RETRY set to 0 please explicitly set  REPLICATE to 1 (at-most-once delivery)",
        ),
        (
            ["q", "b", 0, "TTL", 5, "DELAY", 5],
            "ERR The specified DELAY is greater than TTL. Job refused since would never be delivered",
        ),
        (
            ["q", "b", 0, "REPLICATE", 2],
            "NOREPL Not enough reachable nodes for the requested replication level",
        ),
    ],
)
def test_a_job_is_refused_so(wire: Wire, words: list[object], error: str) -> None:
    assert wire("ADDJOB", *words) == f"-{error}\r\n".encode()
    assert wire("QLEN", "q") == b":0\r\n"


def test_a_queue_may_be_full(wire: Wire, queue: str) -> None:
    add(wire, queue, "a", "MAXLEN", 1)
    told = b"-MAXLEN Queue is already longer than the specified MAXLEN count\r\n"
    assert wire("ADDJOB", queue, "b", 0, "MAXLEN", 1) == told


def test_the_retry_time_is_a_part_of_the_ttl(wire: Wire, client: redis.Redis, queue: str) -> None:
    for ttl, retry in ((86_400, 300), (100, 10), (5, 1)):
        assert told(client, add(wire, queue, "b", "TTL", ttl))["retry"] == retry


def test_memory_may_be_full(start_disque: StartDisque) -> None:
    (small,) = start_disque(maxmemory="100000").nodes
    with wired(small) as wire:
        add(wire, "q", b"x" * 200_000)
        assert wire("ADDJOB", "q", "b", 0) == b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
        assert len(bodies(wire, "q")) == 1


# 3: GETJOB


def test_jobs_are_handed_out_so(wire: Wire, queue: str) -> None:
    id, name = add(wire, queue, "body1"), f"${len(queue)}\r\n{queue}\r\n"
    assert wire("GETJOB", "FROM", queue) == f"*1\r\n*3\r\n{name}$40\r\n{id}\r\n$5\r\nbody1\r\n".encode()
    id = add(wire, queue, "body2")
    counted = "$5\r\nnacks\r\n:0\r\n$21\r\nadditional-deliveries\r\n:0\r\n"
    assert (
        wire("GETJOB", "WITHCOUNTERS", "NOHANG", "FROM", queue)
        == f"*1\r\n*7\r\n{name}$40\r\n{id}\r\n$5\r\nbody2\r\n{counted}".encode()
    )
    assert wire("GETJOB", "NOHANG", "FROM", queue) == b"*-1\r\n"


def test_a_call_waits_as_long_as_it_says(wire: Wire, queue: str) -> None:
    assert 0.09 <= took(lambda: wire("GETJOB", "TIMEOUT", 100, "FROM", queue)) < 2
    assert took(lambda: wire("GETJOB", "NOHANG", "TIMEOUT", 5000, "FROM", queue)) < 2.5


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["NOHANG"], "ERR syntax error"),
        (["FROM"], "ERR syntax error"),
        (["WHAT", "FROM", "q"], "ERR syntax error"),
        (["COUNT", 0, "FROM", "q"], "ERR COUNT must be a number greater than zero"),
        (["TIMEOUT", "x", "FROM", "q"], "ERR timeout is not an integer or out of range"),
        (["TIMEOUT", -1, "FROM", "q"], "ERR timeout is negative"),
    ],
)
def test_a_call_is_refused_so(wire: Wire, words: list[object], error: str) -> None:
    assert wire("GETJOB", *words) == f"-{error}\r\n".encode()


def test_several_queues_are_gone_round(wire: Wire, queue: str) -> None:
    for name, body in (("1", "one"), ("1", "one-b"), ("2", "two")):
        add(wire, queue + name, body)
    answer = wire("GETJOB", "COUNT", 10, "FROM", f"{queue}1", f"{queue}2")
    assert jobs(answer) == [b"one", b"two", b"one-b"]
    for body in "abc":
        add(wire, queue, body)
    assert bodies(wire, queue, "COUNT", 2) == [b"a", b"b"]
    assert bodies(wire, queue, "COUNT", 9) == [b"c"]


def test_who_waits_is_woken_with_one_job_in_turn(node: DisqueNode, wire: Wire, queue: str) -> None:
    with wired(node) as first, wired(node) as second:
        for caller in (first, second):
            caller.send("GETJOB", "COUNT", 10, "FROM", queue)
            time.sleep(0.05)
        began = time.monotonic()
        for body in ("a", "b", "c"):
            wire.send("ADDJOB", queue, body, 0)
        assert jobs(first.read()) == [b"a"]
        assert time.monotonic() - began < 2
        assert jobs(second.read()) == [b"b"]
    assert bodies(wire, queue, "NOHANG") == [b"c"]


def test_who_waits_and_goes_takes_nothing_with_him(node: DisqueNode, wire: Wire, queue: str) -> None:
    with wired(node) as gone:
        gone.send("GETJOB", "FROM", queue)
        wait_until(lambda: b"blocked\r\n:1" in wire("QSTAT", queue), 5, "it waits")
    wait_until(lambda: b"blocked\r\n:0" in wire("QSTAT", queue), 5, "it is gone")
    add(wire, queue)
    assert wire("QLEN", queue) == b":1\r\n"


# 4: bodies


@pytest.mark.parametrize("body", [b"\x00\r\n\xff", b"", b"x" * 1_000_000], ids=["binary", "empty", "large"])
def test_bodies_come_out_as_they_went_in(client: redis.Redis, queue: str, body: bytes) -> None:
    client.execute_command("ADDJOB", queue, body, 0)
    assert client.execute_command("QPEEK", queue, 1)[0][2] == body
    assert client.execute_command("GETJOB", "FROM", queue)[0][2] == body
