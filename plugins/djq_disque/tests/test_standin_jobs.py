"""The stand-in ends, returns and redelivers jobs as a Disque server does, whoever asks, and fails when told to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import redis

from plugins.djq_disque.tests.standin.running import HOST, DisqueNode
from plugins.djq_disque.tests.standin.wire import BADID, UNKNOWN, Wire, add, bodies, counters, told, wired
from tests.harness.waiting import wait_until

#: The later deliveries of a job come a quarter of a second early or late.
SOON, LATE = 0.7, 1.4


# 5: ending and returning

COMMANDS = ("ACKJOB", "FASTACK", "DELJOB", "NACK", "ENQUEUE", "DEQUEUE")


@pytest.mark.parametrize("command", COMMANDS)
def test_ids_are_looked_at_before_anything_is_done(wire: Wire, queue: str, command: str) -> None:
    id = add(wire, queue)
    bodies(wire, queue)
    assert wire(command) == b":0\r\n"
    assert wire(command, UNKNOWN) == b":0\r\n"
    assert wire(command, id, "malformed") == BADID
    assert wire("SHOW", id).startswith(b"*30\r\n")
    assert wire("QLEN", queue) == b":0\r\n"


@pytest.mark.parametrize(
    ("state", "replies"),
    [
        ("queued", {"NACK": 0, "ENQUEUE": 0, "DEQUEUE": 1}),
        ("active", {"NACK": 1, "ENQUEUE": 1, "DEQUEUE": 0}),
        ("delayed", {"NACK": 1, "ENQUEUE": 1, "DEQUEUE": 0}),
        ("once", {"NACK": 0, "ENQUEUE": 0, "DEQUEUE": 0}),
    ],
)
def test_a_command_counts_what_it_did_and_the_second_time_nothing(
    wire: Wire, queue: str, state: str, replies: dict[str, int]
) -> None:
    for command, count in {"ACKJOB": 1, "FASTACK": 1, "DELJOB": 1, **replies}.items():
        name = f"{queue}-{command}"
        options = {"delayed": ["DELAY", 50], "once": ["RETRY", 0]}.get(state, [])
        id = add(wire, name, "b", *options)
        if state in ("active", "once"):
            assert len(bodies(wire, name)) == 1
        assert (wire(command, id), wire(command, id)) == (b":%d\r\n" % count, b":0\r\n"), command


def test_counters_tell_what_was_said_of_a_job(wire: Wire, client: redis.Redis, queue: str) -> None:
    id, delayed = add(wire, queue), add(wire, queue, "later", "DELAY", 50)
    assert counters(client, id) == (0, 0)
    for command, counted in (("NACK", (1, 0)), ("ENQUEUE", (1, 1)), ("NACK", (2, 1))):
        bodies(wire, queue)
        wire(command, id)
        assert counters(client, id) == counted
    assert b"nacks\r\n:2\r\n$21\r\nadditional-deliveries\r\n:1\r\n" in wire("GETJOB", "WITHCOUNTERS", "FROM", queue)
    wire("ENQUEUE", delayed)
    assert counters(client, delayed) == (0, 0)
    assert bodies(wire, queue) == [b"later"]


def test_working_puts_off_the_next_delivery(wire: Wire, queue: str) -> None:
    id = add(wire, queue, "b", "RETRY", 2)
    assert wire("WORKING", id) == b":2\r\n"
    assert wire("QLEN", queue) == b":0\r\n"
    assert wire("WORKING", UNKNOWN) == b"-NOJOB Job not known in the context of this node.\r\n"
    assert wire("WORKING", "malformed") == BADID


# 6: time


def test_what_nobody_acknowledges_comes_again_before_younger_jobs(wire: Wire, client: redis.Redis, queue: str) -> None:
    id = add(wire, queue, "old", "RETRY", 1)
    began = time.monotonic()
    assert bodies(wire, queue) == [b"old"]
    later, working = add(wire, queue, "later", "DELAY", 1), add(wire, f"{queue}w", "w", "RETRY", 1)
    add(wire, f"{queue}t", "gone", "TTL", 2)
    add(wire, queue, "young")
    assert bodies(wire, f"{queue}w") == [b"w"]
    wait_until(lambda: counters(client, id)[1] == 1, 3, "it is queued again", 0.01)
    assert SOON <= time.monotonic() - began <= LATE
    assert bodies(wire, queue) == [b"old"]
    wait_until(lambda: told(client, later)["state"] == b"queued", 3, "the delayed one is queued", 0.01)
    assert 0.95 <= time.monotonic() - began <= LATE + 0.2
    assert bodies(wire, queue, "COUNT", 2) == [b"later", b"young"]
    time.sleep(max(0.0, began + 3.2 - time.monotonic()))
    assert wire("QLEN", f"{queue}t") == b":0\r\n"
    assert counters(client, working)[1] == 1


def test_a_job_that_is_half_dead_cannot_be_put_off(wire: Wire, queue: str) -> None:
    id = add(wire, queue, "b", "TTL", 2)
    time.sleep(1.1)
    told = b"-TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone the next delivery.\r\n"
    assert wire("WORKING", id) == told


# 9: pauses


def test_a_paused_queue_refuses_or_hides(wire: Wire, queue: str) -> None:
    add(wire, queue, "a")
    for state in ("in", "out", "all"):
        assert wire("PAUSE", queue, state) == f"+{state}\r\n".encode()
        assert wire("PAUSE", queue, "state") == f"+{state}\r\n".encode()
        refused = wire("ADDJOB", queue, "b", 0) == b"-PAUSED Queue paused in input, try later\r\n"
        assert refused is (state != "out")
        assert bodies(wire, queue, "NOHANG") == ([] if state != "in" else [b"a"])
    assert wire("PAUSE", queue, "none") == b"+none\r\n"
    assert bodies(wire, queue, "NOHANG") == [b"b"]


# 11: concurrency


def drain(port: int, queue: str) -> list[bytes]:
    found: list[bytes] = []
    with redis.Redis(host=HOST, port=port, protocol=2) as client:
        while some := client.execute_command("GETJOB", "NOHANG", "COUNT", 20, "FROM", queue):
            found += [body for _, _, body in some]
            client.execute_command("ACKJOB", *(id for _, id, _ in some))
    return found


def test_threads_and_processes_get_each_job_once(node: DisqueNode, client: redis.Redis, queue: str) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(5_000):
            pipe.execute_command("ADDJOB", queue, str(number), 0)
        pipe.execute()
    found: list[bytes] = []
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        futures = [pool.submit(drain, node.port, queue) for _ in range(4)]
        threads = [threading.Thread(target=lambda: found.extend(drain(node.port, queue))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for future in futures:
            found += future.result()
    assert sorted(map(int, found)) == list(range(5_000))
    assert client.execute_command("JSCAN", "BUSYLOOP", "QUEUE", queue)[1] == []


# 12: faults


def test_faults_happen_when_they_are_switched_on(node: DisqueNode, wire: Wire, other: Wire, queue: str) -> None:
    assert wire("STANDIN.FAULT", "cut-after-addjob", 1) == b"+OK\r\n"
    other.send("ADDJOB", queue, "applied", 0)
    assert other.socket.recv(1) == b""
    assert bodies(wire, queue) == [b"applied"]
    wire("STANDIN.FAULT", "oom", 1)
    assert wire("ADDJOB", queue, "b", 0).startswith(b"-OOM ")
    add(wire, queue, "b")
    wire("STANDIN.FAULT", "leaving", 1)
    assert bodies(wire, queue) == [b"b"]
    told = b"-LEAVING This node is leaving the cluster, please connect to a different one\r\n"
    assert wire("GETJOB", "FROM", queue) == told
    with wired(node) as cut:
        cut.send("STANDIN.FAULT", "cut", 2)
        assert cut.socket.recv(64) == b""
    with wired(node) as cut:
        cut.send("PING")
        assert cut.socket.recv(64) == b""
    assert wire("PING") == b"+PONG\r\n"
