"""What is seen of a queue and of its clusters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.core.cache import caches
from django.test import override_settings

from djq_core.brokers import Broker
from djq_core.brokers.base import Queued
from djq_core.monitor.queues import can_be_reached, look_at_clusters, look_at_queue
from tests.monitor.making import new_broker, publish, put, site_of


class Bare(Broker):
    """A broker that can do nothing but be there, or not."""

    name = "memory"
    is_there: ClassVar[bool] = True

    def ping(self) -> bool:
        return self.is_there


class Mute(Bare):
    """One that does not say whether it is there, and counts its queue."""

    is_there = False

    def queue_size(self) -> int:
        return 3


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


def test_an_empty_queue() -> None:
    broker = new_broker()
    state = look_at_queue(site_of(broker), "main")
    assert (state.is_reachable, state.queued, state.held, state.oldest, state.error) == (True, 0, 0, None, "")
    assert "peek 1" not in broker.calls


def test_the_age_of_the_oldest_task_is_told() -> None:
    runtime = site_of()
    put(runtime, age=90)
    put(runtime, age=10)
    assert look_at_queue(runtime, "main").oldest == pytest.approx(90, abs=5)


def test_a_task_that_is_held_or_put_off_does_not_wait() -> None:
    broker = new_broker()
    runtime = site_of(broker)
    put(runtime, age=500, is_held=True, due=time.time() + 30)
    put(runtime, age=400, due=time.time() + 30)
    put(runtime, age=60)
    assert look_at_queue(runtime, "main").oldest == pytest.approx(60, abs=5)
    assert [call for call in broker.calls if call.startswith("peek")] == ["peek 1", "peek 20"]


def test_a_task_whose_lease_has_ended_waits_again() -> None:
    runtime = site_of()
    put(runtime, age=500, is_held=True, due=time.time() - 1)
    assert look_at_queue(runtime, "main").oldest == pytest.approx(500, abs=5)


def test_what_cannot_be_read_has_no_age() -> None:
    broker = new_broker()
    runtime = site_of(broker)
    broker.queue["main"] = [Queued(package="forged"), Queued(package=b"\xff")]
    assert look_at_queue(runtime, "main").oldest is None
    put(runtime, age=60)
    assert look_at_queue(runtime, "main").oldest == pytest.approx(60, abs=5)


def test_a_package_of_another_queue_has_no_age() -> None:
    broker = new_broker()
    runtime = site_of(broker)
    put(runtime, "other", age=60)
    broker.queue["main"] = broker.queue["other"]
    assert look_at_queue(runtime, "main").oldest is None
    assert look_at_queue(runtime, "other").oldest == pytest.approx(60, abs=5)


def test_a_broker_that_cannot_be_looked_at_is_not() -> None:
    broker = new_broker(supports_peek=False)
    runtime = site_of(broker)
    put(runtime, age=60)
    assert look_at_queue(runtime, "main").oldest is None
    assert "peek 1" not in broker.calls


def test_a_broker_that_is_away_is_said_so() -> None:
    runtime = site_of(new_broker(away=("ping",)))
    assert look_at_queue(runtime, "main").error == "No route to secret.example (ping)."
    assert not look_at_queue(runtime, "main").is_reachable
    assert not can_be_reached(runtime, "main").is_reachable


@pytest.mark.parametrize(("broker", "size"), [(Bare, None), (Mute, 3)])
def test_one_that_says_or_does_anything_is_there(broker: type[Bare], size: int | None) -> None:
    runtime = site_of(broker)
    state = look_at_queue(runtime, "main")
    assert (state.is_reachable, state.queued) == (True, size)
    assert can_be_reached(runtime, "main").is_reachable


def test_one_that_says_and_does_nothing_is_not() -> None:
    runtime = site_of(type("Gone", (Bare,), {"is_there": False}))
    assert not look_at_queue(runtime, "main").is_reachable
    assert not can_be_reached(runtime, "main").is_reachable


def test_clusters_are_seen_by_their_queue() -> None:
    runtime = site_of()
    publish(runtime, cluster_id=1)
    publish(runtime, cluster_id=2)
    publish(runtime, "other", cluster_id=3)
    assert [stat.cluster_id for stat in look_at_clusters(runtime, "main").stats] == [1, 2]
    assert [stat.cluster_id for stat in look_at_clusters(runtime, "other").stats] == [3]


def test_no_cluster_is_known_too() -> None:
    seen = look_at_clusters(site_of(), "main")
    assert (seen.stats, seen.is_known, seen.flaw) == ((), True, "")


def test_statistics_that_cannot_be_read_are_said_so() -> None:
    seen = look_at_clusters(site_of(new_broker(away=("get_stats",))), "main")
    assert not seen.is_known
    assert "get_stats" in seen.error


@pytest.mark.parametrize(
    ("backend", "told"), [("locmem.LocMemCache", "is not shared"), ("dummy.DummyCache", "keeps nothing")]
)
def test_a_cache_that_nobody_shares_is_said_so(backend: str, told: str) -> None:
    runtime = site_of(new_broker(shares_stats=False))
    with override_settings(CACHES={"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}):
        seen = look_at_clusters(runtime, "main")
    assert not seen.is_known
    assert told in seen.flaw


def test_a_cluster_that_is_seen_in_it_is_seen() -> None:
    runtime = site_of(new_broker(shares_stats=False))
    publish(runtime)
    seen = look_at_clusters(runtime, "main")
    assert (len(seen.stats), seen.is_known, seen.flaw) == (1, True, "")
