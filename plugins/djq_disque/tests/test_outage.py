"""A node is away, or refuses: one clear line, in time, and the same broker works again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from djq_core.exceptions import BrokerError
from plugins.djq_disque.tests.conftest import MakeBroker, StartDisque
from tests.harness.waiting import wait_until
from tests.services.ports import HOST, free_port

PASSWORD = "s3cr3t-p4ss"
TIME_OUT = 1.0


def refusal(call: Callable[[], object], within: float = 1.5 * TIME_OUT) -> str:
    """Return the one line that a call is refused with, in time and without the password."""
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        call()
    assert time.monotonic() - began < within
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("Disque at ")
    error: BaseException | None = caught.value
    while error is not None:
        assert PASSWORD not in str(error)
        error = error.__cause__
    return text


def test_a_killed_node_is_told_at_once_and_found_again(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    cluster = start_disque(appendonly="yes")
    broker = make_broker(cluster, lease=1)
    broker.enqueue("kept")
    cluster.kill()
    for call in (lambda: broker.enqueue("lost"), broker.dequeue, broker.queue_size, broker.purge_queue, broker.clock):
        assert "cannot be reached: see Q_CLUSTER['disque_nodes']" in refusal(call)
    assert not broker.ping()
    assert broker.info() == f"Disque at {cluster.names[0]}"
    cluster.nodes[0].start()
    assert broker.ping()
    broker.enqueue("new")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["new"]
    found: list[object] = []
    wait_until(lambda: found.extend(each.package for each in broker.receive(5, 1)) or "kept" in found, 5, "it is there")


def test_what_was_accepted_outlives_a_restart(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    """All of it is held back at first; what was acknowledged meanwhile is not, and what was held comes once more."""
    cluster = start_disque(appendonly="yes")
    broker = make_broker(cluster, lease=2)
    broker.enqueue_many(["a", "b", "c"])
    a, b = [str(delivery.receipt) for delivery in broker.receive(2, 0)]
    broker.acknowledge(a)
    cluster.kill()
    cluster.nodes[0].start()
    assert (broker.queue_size(), broker.lock_size()) == (0, 2)
    assert broker.extend([b], 2) == [b]
    found: list[object] = []
    wait_until(lambda: found.extend(each.package for each in broker.receive(5, 0.2)) or "c" in found, 8, "c comes")
    assert broker.lock_size() == 2


def test_a_restart_that_nobody_noticed_costs_no_call(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    cluster = start_disque()
    broker = make_broker(cluster)
    broker.enqueue("a")
    cluster.kill()
    cluster.nodes[0].start()
    broker.enqueue("b")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["b"]


@pytest.mark.parametrize("nodes", [1, 2])
def test_frozen_nodes_hold_nobody_longer_than_the_time_out(
    start_disque: StartDisque, make_broker: MakeBroker, nodes: int
) -> None:
    cluster = start_disque(nodes)
    known, fresh = (make_broker(cluster, disque_timeout=0.4) for _ in range(2))
    assert known.ping()
    cluster.pause()
    for broker in (known, fresh):
        assert "see 'disque_timeout' in Q_CLUSTER" in refusal(lambda broker=broker: broker.enqueue("late"))
        refusal(lambda broker=broker: broker.receive(1, 1.0))
        refusal(broker.durability)
        assert not broker.ping()
    cluster.resume()
    for broker in (known, fresh):
        assert broker.ping()
        broker.delete_queue()
        broker.enqueue("again")
        assert [delivery.package for delivery in broker.receive(1, 1)] == ["again"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "wants a password, and Q_CLUSTER has no 'disque_auth'. It said: "),
        ({"disque_auth": f"not-{PASSWORD}"}, "refuses the password in Q_CLUSTER['disque_auth']. It said: "),
    ],
)
def test_a_wrong_password_names_the_setting(
    start_disque: StartDisque, make_broker: MakeBroker, given: dict[str, str], told: str
) -> None:
    cluster = start_disque(requirepass=PASSWORD)
    broker = make_broker(cluster, **given)
    for call in (lambda: broker.enqueue("a"), lambda: broker.receive(1, 1), broker.durability, broker.examine):
        assert told in refusal(call)
    right = make_broker(cluster, disque_auth=PASSWORD)
    assert (right.queue_size(), PASSWORD in right.info()) == (0, False)


def test_a_password_for_a_node_without_one_is_told(make_broker: MakeBroker) -> None:
    broker = make_broker(disque_auth=PASSWORD)
    assert "has no password: take 'disque_auth' out of Q_CLUSTER." in refusal(lambda: broker.enqueue("a"))


def test_each_node_says_what_is_wrong_with_it(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    nobody, locked = f"{HOST}:{free_port()}", start_disque(requirepass=PASSWORD).names[0]
    told = refusal(lambda: make_broker([nobody, locked]).enqueue("a"))
    assert f"Disque at {nobody} cannot be reached" in told
    assert f"Disque at {locked} wants a password" in told


def test_a_full_node_takes_nothing_and_can_be_drained(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    broker = make_broker(start_disque(maxmemory="100000"))
    texts = [f"{number}-{'x' * 30_000}" for number in range(4)]
    broker.enqueue_many(texts)
    assert "is out of memory and took nothing: raise its 'maxmemory'" in refusal(lambda: broker.enqueue("a"))
    first = broker.receive(3, 0)
    held = [str(delivery.receipt) for delivery in first]
    assert broker.extend(held, 60) == held
    broker.release(held[:1], counted=False)
    broker.acknowledge_many(held[1:])
    rest = broker.receive(5, 0)
    assert {delivery.package for delivery in (*first, *rest)} == set(texts)


def test_what_was_accepted_before_the_node_was_full_is_not_sent_twice(
    start_disque: StartDisque, make_broker: MakeBroker
) -> None:
    broker = make_broker(start_disque(maxmemory="100000"))
    refusal(lambda: broker.enqueue_many([f"{number}-{'x' * 30_000}" for number in range(6)]))
    assert broker.queue_size() == 4


def test_an_answer_that_is_lost_is_told_and_nothing_is_sent_twice(
    start_disque: StartDisque, make_broker: MakeBroker
) -> None:
    cluster = start_disque()
    broker = make_broker(cluster)
    broker.enqueue("before")
    cluster.nodes[0].say("STANDIN.FAULT", "cut-after-addjob", 1)
    assert "cannot be reached" in refusal(lambda: broker.enqueue("applied"))
    broker.enqueue("after")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["before", "applied", "after"]


def test_a_paused_queue_is_told(start_disque: StartDisque, make_broker: MakeBroker) -> None:
    cluster = start_disque()
    broker = make_broker(cluster)
    cluster.nodes[0].say("PAUSE", broker.list_key, "in")
    assert "is paused: PAUSE <queue> none ends that. It said: PAUSED" in refusal(lambda: broker.enqueue("a"))
    assert "hands out" not in str(broker.examine())
    cluster.nodes[0].say("PAUSE", broker.list_key, "none")
    broker.enqueue("a")


def test_another_server_is_told(make_broker: MakeBroker, valkey_port: int) -> None:
    broker = make_broker([f"{HOST}:{valkey_port}"])
    assert "does not know a command of Disque: is it one of Q_CLUSTER['disque_nodes']?" in refusal(
        lambda: broker.enqueue("a")
    )


@pytest.fixture
def valkey_port(start_valkey: Callable[..., object]) -> int:
    port = free_port()
    start_valkey(port=port)
    return port
