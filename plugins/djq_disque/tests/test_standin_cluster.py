"""Stand-ins that are joined behave as a cluster of Disque nodes does; one that is killed has its file."""

from __future__ import annotations

import time

import pytest
import redis

from plugins.djq_disque.tests.conftest import StartDisque
from plugins.djq_disque.tests.standin.running import HOST, DisqueNode
from tests.harness.waiting import wait_until

NOREPL = "NOREPL Not enough reachable nodes for the requested replication level"
LATE = "NOREPL Timeout reached before replicating to the requested number of nodes"


def told(node: DisqueNode, id: bytes) -> dict | None:
    answer = node.say("SHOW", id)
    return answer and {name.decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}


def refusal(node: DisqueNode, *words: object) -> str:
    with pytest.raises(redis.ResponseError) as caught:
        node.say(*words)
    return str(caught.value)


def priorities(node: DisqueNode) -> dict[bytes, bytes]:
    """Return the priority of each node by its port."""
    _, _, *nodes = node.say("HELLO")
    return {port: priority for _, _, port, priority in nodes}


def test_three_nodes_know_each_other_and_share_their_jobs(start_disque: StartDisque) -> None:
    cluster = start_disque(3)
    a, b, c = cluster.nodes
    for node in cluster.nodes:
        answer = node.say("HELLO")
        assert (answer[0], len(answer[1]), len(answer)) == (1, 40, 5)
        assert {(ip, port, priority) for _, ip, port, priority in answer[2:]} == {
            (HOST.encode(), str(each.port).encode(), b"1") for each in cluster.nodes
        }
    id = a.say("ADDJOB", "q", "b", 1000)
    assert all(told(node, id) for node in cluster.nodes), "three copies, where there are three nodes"
    assert b.say("GETJOB", "TIMEOUT", 3000, "FROM", "q")[0][1] == id
    assert c.say("WORKING", id) == 300
    assert c.say("ACKJOB", id) == 1
    wait_until(lambda: not any(told(node, id) for node in cluster.nodes), 5, "it is cleared everywhere")
    one = a.say("ADDJOB", "another", "b", 1000, "REPLICATE", 1)
    assert [bool(told(node, one)) for node in cluster.nodes] == [True, False, False]
    assert b.say("FASTACK", one) == 0
    wait_until(lambda: told(a, one) is None, 5, "it is cleared where it was")
    assert b.say("PAUSE", "q", "in", "bcast") == b"in"
    wait_until(lambda: a.say("PAUSE", "q", "state") == b"in", 5, "it is paused everywhere")


def test_who_waits_at_one_node_is_woken_by_a_job_of_another(start_disque: StartDisque) -> None:
    a, b = start_disque(2).nodes
    with b.client() as waiting, a.client() as sending:
        connection = waiting.connection_pool.get_connection()
        connection.send_command("GETJOB", "TIMEOUT", 5000, "FROM", "q")
        time.sleep(0.3)
        began = time.monotonic()
        id = sending.execute_command("ADDJOB", "q", "b", 1000, "RETRY", 1)
        assert connection.read_response()[0][1] == id
        assert time.monotonic() - began < 2.5
        waiting.connection_pool.release(connection)
    again = a.say("GETJOB", "TIMEOUT", 5000, "WITHCOUNTERS", "FROM", "q")
    assert (again[0][1], again[0][6]) == (id, 1)
    assert [told(node, id)["additional-deliveries"] for node in (a, b)] == [1, 1]


def test_a_lost_node_is_waited_for_then_missed_and_its_jobs_are_delivered(start_disque: StartDisque) -> None:
    a, b = start_disque(2, cluster_node_timeout="800").nodes
    id = a.say("ADDJOB", "q", "b", 1000, "RETRY", 1)
    assert a.say("GETJOB", "FROM", "q")[0][1] == id
    a.kill()
    began = time.monotonic()
    assert refusal(b, "ADDJOB", "q", "b", 200) == LATE
    assert 0.2 <= time.monotonic() - began < 2
    again = b.say("GETJOB", "TIMEOUT", 5000, "WITHCOUNTERS", "FROM", "q")
    assert (again[0][1], again[0][6]) == (id, 1)
    wait_until(lambda: priorities(b)[str(a.port).encode()] == b"100", 5, "the node is missed")
    began = time.monotonic()
    assert refusal(b, "ADDJOB", "q", "b", 5000, "REPLICATE", 2) == NOREPL
    assert refusal(b, "ADDJOB", "q", "b", 5000) == NOREPL
    assert time.monotonic() - began < 2.5
    assert b.say("ADDJOB", "q", "b", 0, "REPLICATE", 1).startswith(b"D-")


def test_a_node_may_leave(start_disque: StartDisque) -> None:
    a, b = start_disque(2).nodes
    assert (a.say("CLUSTER", "LEAVING"), a.say("CLUSTER", "LEAVING", "yes")) == (b"no", b"OK")
    assert refusal(a, "GETJOB", "FROM", "q").startswith("LEAVING ")
    wait_until(lambda: priorities(b)[str(a.port).encode()] == b"100", 5, "the other knows")


def test_a_file_keeps_jobs_over_a_kill(start_disque: StartDisque) -> None:
    (node,) = start_disque(appendonly="yes").nodes
    waiting, gone, held = (node.say("ADDJOB", "q", body, 0, "RETRY", 2) for body in ("w", "g", "h"))
    later = node.say("ADDJOB", "q", "l", 0, "DELAY", 60)
    node.say("ACKJOB", gone)
    node.kill()
    node.start()
    assert node.say("QLEN", "q") == 0
    assert [told(node, id) is not None for id in (waiting, gone, held, later)] == [True, False, True, True]
    wait_until(lambda: node.say("QLEN", "q") == 2, 5, "they are queued when their retry time is over")
    assert told(node, later)["state"] == b"active"
    node.kill()
    node.options["aof_enqueue_jobs_once"] = "yes"
    node.start()
    assert node.say("QLEN", "q") == 2


def test_without_a_file_a_kill_costs_the_jobs(start_disque: StartDisque) -> None:
    (node,) = start_disque().nodes
    id = node.say("ADDJOB", "q", "b", 0)
    node.kill()
    node.start()
    assert told(node, id) is None


def test_what_was_done_is_not_forgotten_by_a_kill(start_disque: StartDisque) -> None:
    """A node that was away when a job was acknowledged learns of it, from a node that was killed meanwhile."""
    cluster = start_disque(2, appendonly="yes", cluster_node_timeout="500")
    a, b = cluster.nodes
    id = a.say("ADDJOB", "q", "b", 1000, "RETRY", 60)
    a.kill()
    assert b.say("ACKJOB", id) == 1
    assert told(b, id)["state"] == b"acked"
    b.kill()
    for node in cluster.nodes:
        node.start()
    cluster.wait_joined()
    wait_until(lambda: told(a, id) is None and told(b, id) is None, 5, "both have cleared it")
