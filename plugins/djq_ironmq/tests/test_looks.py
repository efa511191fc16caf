"""What can be seen of a queue, and what an operator is told."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from importlib_metadata import entry_points
from iron_mq import IronMQ

from djq_core.conf import Conf
from djq_ironmq import examination
from djq_ironmq.broker import IronMQBroker
from djq_ironmq.plugin import djq_check
from plugins.djq_ironmq.tests.conftest import MakeBroker
from tests.services.ironmq import IronServer


def test_a_look_shows_what_comes_first_and_not_what_is_held(broker: IronMQBroker) -> None:
    ids = broker.enqueue_many(["a", "b", "c"])
    broker.receive(1, 0)
    assert [(each.tracking_id, each.package, each.is_held) for each in broker.peek(5)] == [
        (ids[1], "b", False),
        (ids[2], "c", False),
    ]


def test_of_a_long_queue_nobody_can_tell_what_is_held(broker: IronMQBroker) -> None:
    broker.enqueue_many([f"p{number}" for number in range(130)])
    broker.receive(10, 0)
    assert (broker.queue_size(), broker.lock_size()) == (130, 0)
    broker.receive(30, 0)
    assert (broker.queue_size(), broker.lock_size()) == (90, 40)
    assert len(broker.peek(1_000)) == 90


@pytest.mark.parametrize("body", ["", "garbage", "0b:no base64", '{"json": 1}'])
def test_what_others_have_put_on_the_queue_can_be_failed(
    iron_server: IronServer, broker: IronMQBroker, body: str
) -> None:
    IronMQ(**iron_server.settings()).queue(broker.queue_name).post(body)
    (delivery,) = broker.receive(1, 0)
    assert (delivery.package, delivery.count, delivery.unanswered) == (body, 1, 1)
    broker.fail(str(delivery.receipt))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


# Findings


def codes(broker: IronMQBroker) -> dict[str, str]:
    return {finding.code: finding.level for finding in broker.examine()}


def test_a_queue_is_examined(iron_server: IronServer, make_broker: MakeBroker) -> None:
    broker = make_broker()
    assert "longer than 7 days" in str(broker.durability())
    assert codes(broker) == {"ironmq-queue": "ok", "ironmq-lease": "ok", "ironmq-encryption": "warning"}
    mq = IronMQ(**iron_server.settings())
    letters = {"queue_name": "dead", "max_reservations": 3}
    mq.create_queue(broker.queue_name, {"message_expiration": 3600, "dead_letter": letters})
    assert codes(broker) == {
        "ironmq-type": "ok",
        "ironmq-expiration": "warning",
        "ironmq-dead-letters": "ok",
        "ironmq-lease": "ok",
        "ironmq-encryption": "warning",
    }
    assert "deletes a task that is on the queue for longer than 3,600 s" in str(broker.durability())
    assert codes(make_broker(lease=5))["ironmq-lease"] == "warning"


@pytest.mark.parametrize(("told", "level"), [({}, "ok"), ({"type": "pull"}, "ok"), ({"type": "multicast"}, "error")])
def test_no_cluster_can_fetch_from_a_push_queue(told: dict[str, Any], level: str) -> None:
    assert examination.kind(told).level == level


@pytest.mark.parametrize(("seconds", "level", "words"), [(604_800, "ok", "7 days"), (86_400, "warning", "1 day ")])
def test_a_task_should_be_able_to_wait_over_a_weekend(seconds: int, level: str, words: str) -> None:
    found = examination.expiration({"message_expiration": seconds})
    assert (found.level, words in found.message) == (level, True)


# The entry point


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="ironmq")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_ironmq.broker", "ironmq")]


@pytest.mark.parametrize(("retry", "count"), [(30, 0), (86_400, 0), (29, 1), (86_401, 1)])
def test_a_lease_outside_of_the_services_range_is_warned_of(retry: int, count: int) -> None:
    for keys, expected in (({"iron_mq": {}}, count), ({"redis": {}}, 0)):
        conf = Conf.from_settings({"retry": retry, **keys}, secret_key="s")
        found = djq_check(conf)
        assert [message.id for message in found] == ["djq_ironmq.W001"] * expected


def test_the_client_library_is_imported_by_those_who_use_the_broker() -> None:
    script = (
        "import sys, djq_ironmq.plugin as plugin\n"
        "from django.conf import settings\n"
        "settings.configure()\n"
        "(broker,) = plugin.djq_register_brokers()\n"
        "broker.read_options({'iron_mq': {'token': 't', 'project_id': 'p'}})\n"
        "assert not {'iron_mq', 'requests'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
