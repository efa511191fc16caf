"""From a package to the broker: asked, signed for its cluster, sent, told."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import transaction

from djq_core import hookimpl
from djq_core.enqueue import ask, enqueue, enqueue_many
from djq_core.envelope import TASK, TaskPackage, decode_package
from djq_core.exceptions import BadPackageSignature, BrokerError, PackageTooLarge
from djq_core.runtime import Runtime
from tests.making import MemoryBroker, package_of, runtime_of

RUNTIME = runtime_of(name="main")


class Tracer:
    """A plugin that adds a header and remembers what it saw."""

    def __init__(self, *, veto: bool = False) -> None:
        self.veto = veto
        self.asked: list[Mapping[str, Any]] = []
        self.told: list[tuple[str, str | None]] = []

    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str]:
        if self.veto:
            raise PermissionError("not today")
        self.asked.append(task)
        return {"trace": task["name"]}

    @hookimpl
    def djq_post_enqueue(self, task: Mapping[str, Any], receipt: str | None) -> None:
        self.told.append((task["id"], receipt))
        raise RuntimeError("nobody is to hear this")


class NarrowBroker(MemoryBroker):
    max_package_bytes = 1500


def arrived(runtime: Runtime, broker: MemoryBroker, name: str = "main") -> list[TaskPackage]:
    texts = [runtime.signer.named(name).verify(TASK, package) for package in broker.queue]
    return [decode_package(text, max_bytes=10**6) for text in texts]


def test_a_package_arrives_signed_and_whole() -> None:
    broker, package = MemoryBroker(), package_of(RUNTIME, group="g")
    assert enqueue(RUNTIME, package, broker) == package.id
    assert arrived(RUNTIME, broker) == [package]


def test_a_package_is_signed_for_the_cluster_it_is_meant_for() -> None:
    broker, package = MemoryBroker(), package_of(RUNTIME, cluster="other")
    enqueue(RUNTIME, package, broker)
    assert arrived(RUNTIME, broker, "other") == [package]
    with pytest.raises(BadPackageSignature):
        arrived(RUNTIME, broker, "main")


def test_it_goes_to_the_queue_of_its_cluster() -> None:
    runtime = runtime_of(name="main")
    for cluster in (None, "other"):
        enqueue(runtime, package_of(runtime, cluster=cluster))
    for cluster in ("main", "other"):
        broker = runtime.shared_broker(cluster)
        assert isinstance(broker, MemoryBroker)
        assert len(broker.calls("enqueue")) == 1


def test_plugins_see_the_task_and_add_signed_headers() -> None:
    plugin, broker = Tracer(), MemoryBroker()
    runtime = runtime_of(name="main", plugins=[plugin])
    package = package_of(runtime, "math.pow", (2, 3), {"x": 1}, headers={"kept": "yes"})
    enqueue(runtime, package, broker)
    (task,) = plugin.asked
    assert (task["id"], task["args"], task["kwargs"]) == (package.id, (2, 3), {"x": 1})
    assert arrived(runtime, broker)[0].headers == {"kept": "yes", "trace": package.name}


def test_a_veto_reaches_the_caller_and_nothing_is_sent() -> None:
    broker, runtime = MemoryBroker(), runtime_of(plugins=[Tracer(veto=True)])
    with pytest.raises(PermissionError, match="not today"):
        enqueue(runtime, package_of(runtime), broker)
    with pytest.raises(PermissionError):
        enqueue_many(runtime, [package_of(runtime)], broker)
    assert not broker.queue


def test_plugins_are_told_the_receipt_and_their_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    plugin, broker = Tracer(), MemoryBroker()
    runtime = runtime_of(plugins=[plugin])
    package = package_of(runtime)
    with caplog.at_level(logging.ERROR, "djq"):
        enqueue(runtime, package, broker)
    assert plugin.told == [(package.id, "id-1")]
    assert "djq_post_enqueue" in caplog.text


def test_nothing_is_read_for_plugins_that_do_not_look() -> None:
    unreadable = package_of(RUNTIME, parts={"args": b"no pickle", "kwargs": b"neither"})
    assert ask(RUNTIME, unreadable) == ({}, unreadable)


def test_what_cannot_be_read_for_plugins_is_sent_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    runtime, broker, tracer = runtime_of(name="main", serializer="json"), MemoryBroker(), Tracer()
    runtime.hooks.register(tracer, "tracer")
    gone = dataclasses.replace(
        package_of(runtime), parts={"args": b'{"$model":["no.such",1,"default"]}', "kwargs": b"{}"}
    )
    enqueue(runtime, gone, broker)
    assert [task["args"] for task in tracer.asked] == [()]
    assert [package.id for package in arrived(runtime, broker)] == [gone.id]
    assert "without its arguments: There is no model" in caplog.text


def test_a_broker_that_is_away_reaches_the_caller() -> None:
    plugin, broker = Tracer(), MemoryBroker()
    broker.failures = 1
    with pytest.raises(BrokerError, match="away"):
        enqueue(runtime_of(plugins=[plugin]), package_of(RUNTIME), broker)
    assert not plugin.told


def test_many_packages_are_one_call() -> None:
    plugin, broker = Tracer(), MemoryBroker()
    runtime = runtime_of(name="main", plugins=[plugin])
    packages = [package_of(runtime, name=str(number)) for number in range(5)]
    ids = [package.id for package in packages]
    assert enqueue_many(runtime, packages, broker) == ids
    assert broker.log == [("enqueue_many", 5)]
    assert [package.id for package in arrived(runtime, broker)] == ids
    assert plugin.told == [(task_id, f"id-{number}") for number, task_id in enumerate(ids)]
    assert enqueue_many(runtime, [], broker) == []


def test_a_package_that_the_broker_cannot_take_is_refused_with_the_remedy() -> None:
    package = package_of(RUNTIME, args=("x" * 1500,))
    with pytest.raises(PackageTooLarge, match=r"'math.pow' has 2,\d+ bytes; NarrowBroker takes 1,500.*set compress"):
        enqueue(RUNTIME, package, NarrowBroker())
    broker = NarrowBroker()
    compressing = runtime_of(name="main", compress=True)
    enqueue(compressing, package, broker)
    assert arrived(compressing, broker) == [package]


@pytest.mark.parametrize("is_chained", [False, True])
def test_a_package_that_nobody_would_read_is_refused_however_well_it_is_compressed(is_chained: bool) -> None:
    runtime, broker = runtime_of(compress=True, max_package_bytes=1000), MemoryBroker()
    package = package_of(runtime, args=("x" * 1500,))
    package = package_of(runtime, chain=(package,)) if is_chained else package
    with pytest.raises(
        PackageTooLarge, match=r"'math.pow' holds [12],\d+ bytes; max_package_bytes allows 1,000. Send a"
    ):
        enqueue(runtime, package, broker)
    assert broker.log == []


# After the commit

real_transactions = pytest.mark.django_db(transaction=True)


class JoiningBroker(MemoryBroker):
    supports_transactions = True
    database = "default"


def sent_of(broker: MemoryBroker) -> int:
    return len(broker.queue)


@real_transactions
@pytest.mark.parametrize("on_commit", [True, "default"])
def test_it_is_sent_when_the_transaction_is_committed(*, on_commit: bool | str) -> None:
    tracer, broker = Tracer(), MemoryBroker()
    runtime = runtime_of(name="main", plugins=[tracer])
    with transaction.atomic():
        enqueue(runtime, package_of(runtime), broker, on_commit=on_commit)
        enqueue_many(runtime, [package_of(runtime), package_of(runtime)], broker, on_commit=on_commit)
        assert sent_of(broker) == 0
        assert (len(tracer.asked), len(tracer.told)) == (3, 0)
    assert sent_of(broker) == len(tracer.told) == 3


@real_transactions
def test_what_is_rolled_back_is_not_sent() -> None:
    broker = MemoryBroker()
    with transaction.atomic():
        with transaction.atomic():
            enqueue(RUNTIME, package_of(RUNTIME), broker, on_commit=True)
            transaction.set_rollback(True)
        kept = package_of(RUNTIME)
        enqueue(RUNTIME, kept, broker, on_commit=True)
    assert arrived(RUNTIME, broker) == [kept]


@real_transactions
def test_what_cannot_be_sent_is_refused_before_the_commit() -> None:
    runtime = runtime_of(name="main", plugins=[Tracer(veto=True)])
    with transaction.atomic():
        with pytest.raises(PermissionError, match="not today"):
            enqueue(runtime, package_of(runtime), MemoryBroker(), on_commit=True)
        with pytest.raises(PackageTooLarge):
            enqueue(RUNTIME, package_of(RUNTIME, args=("x" * 1500,)), NarrowBroker(), on_commit=True)


@real_transactions
@pytest.mark.parametrize(("broker", "sent"), [(MemoryBroker, 0), (JoiningBroker, 1)])
def test_a_broker_that_is_part_of_the_transaction_waits_for_nothing(broker: type[MemoryBroker], sent: int) -> None:
    made = broker()
    with transaction.atomic():
        enqueue(RUNTIME, package_of(RUNTIME), made, on_commit=True)
        assert sent_of(made) == sent
    assert sent_of(made) == 1


@real_transactions
def test_without_a_transaction_it_is_sent_at_once() -> None:
    broker = MemoryBroker()
    enqueue(RUNTIME, package_of(RUNTIME), broker, on_commit=True)
    assert sent_of(broker) == 1


def test_many_are_sent_a_thousand_in_a_call_and_in_order() -> None:
    broker = MemoryBroker()
    packages = [package_of(RUNTIME) for _ in range(2_001)]
    assert enqueue_many(RUNTIME, packages, broker) == [package.id for package in packages]
    assert broker.calls("enqueue_many") == [(1000,), (1000,), (1,)]


def test_nothing_is_sent_where_one_of_many_is_too_large() -> None:
    broker = NarrowBroker()
    packages = [*(package_of(RUNTIME) for _ in range(1_500)), package_of(RUNTIME, args=("x" * 1500,))]
    with pytest.raises(PackageTooLarge):
        enqueue_many(RUNTIME, packages, broker)
    assert broker.log == []
