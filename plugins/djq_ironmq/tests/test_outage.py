"""The service is away, refuses, or talks nonsense: one clear line, in time, and the same broker works again."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from djq_core.exceptions import BrokerError
from djq_ironmq.broker import IronMQBroker
from plugins.djq_ironmq.tests.conftest import MakeBroker
from tests.services.fixtures import StartIron
from tests.services.ironmq import IronServer
from tests.services.ports import free_port

TIME_OUT = 0.5


def refusal(call: Callable[[], object], within: float = TIME_OUT + 1.0) -> str:
    """Return the one line that a call is refused with, in time and without the token."""
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        call()
    assert time.monotonic() - began < within
    text = str(caught.value)
    assert text.startswith("IronMQ at http")
    assert "\n" not in text
    assert "Q_CLUSTER['iron_mq']" in text
    assert "t0ken-of-the-tests" not in "".join(traceback.format_exception(caught.value))
    return text


@pytest.fixture
def server(start_iron: StartIron) -> IronServer:
    return start_iron()


@pytest.fixture
def broker(server: IronServer, make_broker: MakeBroker) -> IronMQBroker:
    return make_broker(server, request_timeout=TIME_OUT)


def everything(broker: IronMQBroker) -> list[Callable[[], object]]:
    """Return every call that asks the service for something."""
    return [
        lambda: broker.enqueue("a"),
        broker.dequeue,
        lambda: broker.receive(5, 0),
        lambda: broker.extend(["1:a", "2:b"], 30),
        lambda: broker.release(["1:a", "2:b"]),
        lambda: broker.acknowledge_many(["1:a", "2:b"]),
        lambda: broker.fail("1:a"),
        lambda: broker.delete("1"),
        broker.queue_size,
        broker.lock_size,
        lambda: broker.peek(3),
        broker.examine,
        broker.durability,
        broker.purge_queue,
        broker.delete_queue,
    ]


def test_a_server_away_is_told_by_every_call_and_found_again(server: IronServer, broker: IronMQBroker) -> None:
    broker.enqueue("kept")
    server.kill()
    for call in everything(broker):
        assert "cannot be reached: see 'host' and 'port'" in refusal(call)
    assert not broker.ping()
    server.start()
    broker.enqueue("new")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["kept", "new"]


def test_a_frozen_server_holds_nobody_longer_than_the_time_out(
    server: IronServer, broker: IronMQBroker, make_broker: MakeBroker
) -> None:
    held = [str(delivery.receipt) for delivery in _sent(broker, 20)]
    server.pause()
    for each in (broker, make_broker(server, request_timeout=TIME_OUT)):
        assert "did not answer in time: see 'request_timeout'" in refusal(lambda each=each: each.enqueue("late"))
    refusal(lambda: broker.receive(1, 1.0), TIME_OUT + 2.0)
    refusal(lambda: broker.extend(held, 30))
    assert not broker.ping()
    server.resume()
    assert broker.ping()


def _sent(broker: IronMQBroker, count: int) -> list[Any]:
    broker.enqueue_many(["x"] * count)
    return broker.receive(count, 0)


@pytest.mark.parametrize("wrong", [{"token": "an0ther"}, {"project_id": "an0ther"}])
def test_a_wrong_token_or_project_names_the_setting(
    server: IronServer, make_broker: MakeBroker, wrong: dict[str, str]
) -> None:
    broker = make_broker(server, **wrong)
    for call in (lambda: broker.enqueue("a"), lambda: broker.receive(1, 0), broker.queue_size):
        text = refusal(call)
        assert "refuses the 'token' for the 'project_id'" in text
        assert "an0ther" not in text
    assert not broker.ping()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "refused what was asked; for a lease see 'retry'"),
        (403, "does not let the 'token'"),
        (404, "does not know what was asked for: see 'host', 'path_prefix' and 'project_id'"),
        (405, "is no IronMQ v3"),
        (413, "takes no message of this size: see 'max_message_bytes'"),
        (429, "is asked too often for its plan"),
        (500, "has a trouble of its own (status 500"),
        (503, "is too busy, or asked too often"),
        (504, "was not answered by its own servers in time"),
    ],
)
def test_a_refusal_is_told(server: IronServer, broker: IronMQBroker, status: int, told: str) -> None:
    server.fault(times=5, status=status, body='{"msg":"the reason"}')
    text = refusal(lambda: broker.enqueue("a"))
    assert told in text
    assert f"It said: {status} the reason" in text


def test_what_was_not_carried_out_is_asked_again_a_few_times(server: IronServer, broker: IronMQBroker) -> None:
    server.fault(times=2, status=503)
    broker.enqueue("a")
    assert broker.queue_size() == 1


@pytest.mark.parametrize(
    "trouble",
    [{"is_dropped": True}, {"status": 504}, {"delay": TIME_OUT + 0.3}],
)
def test_what_may_have_been_carried_out_is_not_asked_again(
    server: IronServer, broker: IronMQBroker, trouble: dict[str, Any]
) -> None:
    broker.queue_size()
    server.fault(is_applied=True, **trouble)
    refusal(lambda: broker.enqueue("a"))
    assert broker.queue_size() == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        {"body": "<html>Welcome</html>", "content_type": "text/html"},
        {"body": "{}", "content_type": None},
        {"body": "no JSON"},
        {"body": "[]"},
        {"body": "{}"},
        {"body": '{"ids": 7, "messages": 7, "queue": 7}'},
        {"body": '{"ids": [], "messages": [{}], "queue": {"size": "x"}}'},
        {"status": 302, "body": ""},
    ],
)
def test_an_answer_that_is_none_of_ironmqs_is_told(
    server: IronServer, broker: IronMQBroker, nonsense: dict[str, Any]
) -> None:
    server.fault(**{"times": 3, "status": 200, **nonsense})
    for call in (lambda: broker.enqueue("a"), lambda: broker.receive(1, 0), broker.queue_size):
        assert "gave an answer that is none of IronMQ's: see 'host', 'port'" in refusal(call)
    broker.enqueue("b")


def test_tls_to_a_plain_port_is_told(server: IronServer, make_broker: MakeBroker) -> None:
    broker = make_broker(server, protocol="https")
    assert "cannot be reached with TLS: see 'protocol'" in refusal(lambda: broker.enqueue("a"))


def test_a_proxy_that_is_away_is_told(
    server: IronServer, make_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    broker = make_broker(server)
    assert "through the proxy that the environment names" in refusal(lambda: broker.enqueue("a"))


def test_a_queue_that_is_not_there_is_made_by_whoever_waits_at_it(broker: IronMQBroker) -> None:
    began = time.monotonic()
    assert broker.receive(1, 1) == []
    assert time.monotonic() - began >= 0.9
    assert (broker.queue_size(), broker.peek(3), broker.extend(["1:a"], 30)) == (0, [], [None])


def test_a_lease_that_the_service_refuses_names_the_setting(start_iron: StartIron, make_broker: MakeBroker) -> None:
    broker = make_broker(start_iron(shortest=30), lease=5)
    assert "for a lease see 'retry'" in refusal(lambda: broker.receive(1, 0))
