"""Nodes take each other's place: when one is dead, frozen or leaves, and when there are too few for the copies."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from djq_core.exceptions import BrokerError
from djq_disque.broker import DisqueBroker
from djq_disque.holding import Holding
from djq_disque.receipts import Receipt
from plugins.djq_disque.tests.conftest import MakeBroker, StartDisque
from plugins.djq_disque.tests.standin.running import DisqueCluster, DisqueNode
from plugins.djq_disque.tests.test_broker import receipts
from plugins.djq_disque.tests.test_outage import refusal
from tests.harness.waiting import wait_until
from tests.services.ports import HOST, free_port

TIME_OUT = 1.0


def packages(broker: DisqueBroker, count: int, wait: float) -> list[str | bytes]:
    return [delivery.package for delivery in broker.receive(count, wait)]


def holder(cluster: DisqueCluster, receipt: str | None) -> tuple[DisqueNode, DisqueNode]:
    """Return the node of a receipt, and the other one."""
    port = int(str(receipt).partition("@")[2].partition("#")[0].rpartition(":")[2])
    first, second = sorted(cluster.nodes, key=lambda node: node.port != port)
    return first, second


def test_brokers_spread_over_the_nodes(make_broker: MakeBroker, disque_pair: DisqueCluster) -> None:
    brokers = [make_broker(disque_pair) for _ in range(20)]
    used = {str(broker.enqueue("a"))[:10] for broker in brokers}
    assert len(used) == 2
    brokers[0].purge_queue()


def test_a_node_that_is_not_there_is_passed_over(
    make_broker: MakeBroker, disque_node: DisqueCluster, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = f"{HOST}:{free_port()}"
    for _ in range(8):
        broker = make_broker([nobody, *disque_node.names])
        broker.enqueue("a")
        assert packages(broker, 1, 1) == ["a"]
    told = {record.getMessage() for record in caplog.records}
    assert len(told) == 1
    (line,) = told
    assert line.startswith(f"Disque at {nobody} cannot be reached: see Q_CLUSTER['disque_nodes']. It said: ")
    assert line.endswith(f"Going on at {disque_node.names[0]}.")


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_a_node_that_is_lost_costs_at_most_one_call(
    start_disque: StartDisque, make_broker: MakeBroker, how: str
) -> None:
    """What may have been done already is not done again at another node: the caller is told, and may."""
    cluster = start_disque(2, cluster_node_timeout="1000")
    broker = make_broker(cluster, lease=30, disque_timeout=TIME_OUT)
    broker.enqueue("before")
    (held,) = receipts(broker.receive(1, 5))
    lost, _ = holder(cluster, held)
    getattr(lost, how)()
    began = time.monotonic()
    with suppress(BrokerError):
        broker.enqueue("told")
    broker.enqueue_many(["a", "b"])
    assert time.monotonic() - began < 3 * TIME_OUT
    assert broker.extend([held], 30) == [held]
    broker.acknowledge(held)
    found = [package for _ in range(3) for package in packages(broker, 1, 1)]
    assert sorted(set(found) - {"told"}) == ["a", "b"]
    assert broker.ping()


def test_a_frozen_node_keeps_nobody_from_sending(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    """Whoever connects to it, or counts the nodes, finds out before anything was sent."""
    cluster = start_disque(2, cluster_node_timeout="500")
    frozen, _ = cluster.nodes
    frozen.pause()
    wait_until(
        lambda: cluster.missed_by(cluster.nodes[1]) or b"10" in cluster.priorities(cluster.nodes[1]), 5, "missed"
    )
    for _ in range(6):
        make_broker(cluster, disque_timeout=TIME_OUT).enqueue("a")
    assert make_broker(cluster, disque_timeout=TIME_OUT).queue_size() == 6


def test_a_task_in_the_hands_of_a_lost_node_is_delivered_by_the_other(
    start_disque: StartDisque, make_broker: MakeBroker
) -> None:
    cluster = start_disque(2, cluster_node_timeout="1000")
    broker = make_broker(cluster, lease=1, disque_timeout=TIME_OUT)
    broker.enqueue("a")
    (first,) = broker.receive(1, 5)
    holder(cluster, first.receipt)[0].kill()
    (again,) = broker.receive(1, 10)
    assert (again.package, again.count, again.unanswered) == ("a", 1, 2)


def test_what_no_living_node_knows_is_kept_by_its_holder(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    cluster = start_disque(2, cluster_node_timeout="1000", appendonly="yes")
    broker = make_broker(cluster, lease=1, disque_replicate=1, disque_timeout=TIME_OUT)
    broker.enqueue_many(["a", "b"])
    held = receipts(broker.receive(2, 5))
    lost, _ = holder(cluster, held[0])
    lost.kill()
    assert broker.extend(held, 1) == held
    broker.release(held[:1])
    broker.acknowledge(held[1])
    lost.start()
    wait_until(lambda: packages(broker, 5, 0.5) == ["a"], 10, "what could not be released comes again")
    assert packages(broker, 5, 0) == []


def test_a_node_that_leaves_hands_out_nothing_and_another_one_does(
    start_disque: StartDisque, make_broker: MakeBroker
) -> None:
    cluster = start_disque(2)
    for _ in range(6):
        broker = make_broker(cluster)
        cluster.nodes[0].say("CLUSTER", "LEAVING", "yes")
        assert broker.receive(1, 0.1) == []
    alone = make_broker([cluster.nodes[0].name])
    assert "is leaving its cluster" in refusal(lambda: alone.receive(1, 0.1))


def test_a_node_that_is_full_takes_nothing_and_another_one_does(
    start_disque: StartDisque, make_broker: MakeBroker
) -> None:
    full = start_disque(1, maxmemory="1000").nodes[0]
    spare = start_disque(1).nodes[0]
    make_broker([full.name]).enqueue("x" * 2000)
    for _ in range(6):
        assert make_broker([full.name, spare.name]).enqueue_many(["a", "b"])
    assert make_broker([spare.name]).queue_size() == 12


# Copies


def levels(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records if "copies" in record.getMessage()]


def test_there_are_fewer_copies_while_nodes_are_away(
    start_disque: StartDisque, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "djq")
    cluster = start_disque(3, cluster_node_timeout="500")
    a, b, _ = cluster.nodes
    broker = make_broker([a.name])
    assert copies(broker, a) == 3
    b.kill()
    wait_until(lambda: cluster.missed_by(a) == 1, 5, "a node is missed")
    later = make_broker([a.name])
    assert copies(later, a) == 2
    expected = "Disque has too few nodes for 3 copies of a task; it makes 2 for now."
    assert levels(caplog) == [(logging.WARNING, expected)]
    caplog.clear()
    assert copies(broker, a) == 2
    assert "Disque could not make 3 copies of a task; it makes 2 for now. It said: NOREPL" in levels(caplog)[0][1]


@pytest.mark.chaos  # the nodes are counted every five seconds
def test_there_are_all_copies_again_when_the_nodes_are_back(
    start_disque: StartDisque, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "djq")
    cluster = start_disque(2, cluster_node_timeout="500")
    a, b = cluster.nodes
    b.kill()
    wait_until(lambda: cluster.missed_by(a) == 1, 5, "a node is missed")
    broker = make_broker([a.name], disque_replicate=2)
    assert copies(broker, a) == 1
    b.start()
    cluster.wait_joined()
    wait_until(lambda: copies(broker, a) == 2, 8, "there are two copies")
    assert levels(caplog)[-1] == (logging.INFO, "Disque makes 2 copies of a task again.")


def copies(broker: DisqueBroker, node: DisqueNode) -> int:
    """Return how many copies a new task has."""
    answer: Any = node.say("SHOW", broker.enqueue("a"))
    return int(answer[answer.index(b"repl") + 1])


def test_copies_that_are_late_hold_up_no_call_for_long(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    """A dead node is waited for until Disque misses it, which by default takes 15 seconds."""
    a, b = start_disque(2).nodes
    broker = make_broker([a.name], disque_timeout=TIME_OUT)
    broker.enqueue("a")
    b.kill()
    began = time.monotonic()
    broker.enqueue_many([f"p{number}" for number in range(30)])
    assert time.monotonic() - began < 2 * TIME_OUT
    began = time.monotonic()
    broker.enqueue("c")
    assert time.monotonic() - began < TIME_OUT / 2
    assert broker.queue_size() == 32


def test_what_one_node_took_is_not_sent_to_another(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    """A node may have no memory for the first job of several, and some for the next."""
    cluster = start_disque(2)
    broker = make_broker(cluster, disque_replicate=1)
    for node in cluster.nodes:
        node.say("STANDIN.FAULT", "oom", 1)
    ids = broker.enqueue_many(["a", "b", "c"])
    assert len(set(ids)) == 3
    found = [each.package for _ in range(5) for each in broker.receive(5, 0.3)]
    assert sorted(map(str, found)) == ["a", "b", "c"]


class Interrupted(Holding):
    """A queue whose nodes are away for a moment when jobs are to be ended."""

    is_away = True

    def end(self, receipts: Sequence[Receipt]) -> None:
        """Raise BrokerError the first time."""
        if self.is_away:
            self.is_away = False
            raise BrokerError("Disque is away.")
        super().end(receipts)


@pytest.mark.parametrize("is_renewed", [False, True])
def test_what_was_sent_anew_before_an_interruption_is_not_sent_again(make_broker: MakeBroker, is_renewed: bool) -> None:
    broker = make_broker()
    broker.enqueue_many(["a", "b"])
    held = [Receipt.read(str(each.receipt)) for each in broker.receive(2, 0)]
    queue = Interrupted(broker.options, broker.list_key, broker.settings.lease)

    def hand_back() -> None:
        queue.extend(held, 1) if is_renewed else queue.release(held, 0, counted=True)

    with pytest.raises(BrokerError):
        hand_back()
    hand_back()
    found = [each.package for _ in range(4) for each in broker.receive(5, 0.7)]
    assert sorted(map(str, found)) == ["a", "b"]
    queue.nodes.close()
