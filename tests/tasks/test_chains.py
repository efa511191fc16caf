"""async_chain and Chain."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from djq_core import current
from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import SerializationError
from djq_core.models import Part, Task
from djq_core.tasks import Chain, async_chain, delete_group, queue_size, result_group
from tests.making import MemoryBroker
from tests.tasks import functions
from tests.tasks.conftest import Queued

pytestmark = pytest.mark.django_db
GOOD = ("math.floor", (1.5,))
BAD = (functions.fail,)
on_both = pytest.mark.parametrize("cached", [False, True])


def test_a_chain_sends_its_first_link_with_the_others_in_it(queued: Queued) -> None:
    group = async_chain([("math.copysign", (1, -1)), ("math.floor", (1,), {"timeout": 5}), ("os.getpid",)])
    (package,) = queued()
    links = [package, *package.chain]
    assert [link.func for link in links] == ["math.copysign", "math.floor", "os.getpid"]
    assert [link.group for link in links] == [group] * 3
    assert [link.timeout for link in links] == [None, 5, None]
    assert len({link.id for link in links}) == 3
    assert len(group) == 32


def test_a_chain_of_a_group_for_another_cluster(queued: Queued) -> None:
    chain = [("math.floor", (1,)), ("math.floor", (2,))]
    assert async_chain(chain, group="mine", cached=60, broker=current.runtime().broker("other")) == "mine"
    (package,) = queued("other")
    assert [(link.group, link.cached, link.cluster) for link in (package, *package.chain)] == [
        ("mine", 60, "other")
    ] * 2


@pytest.mark.django_db(transaction=True)
def test_a_chain_waits_for_the_commit_where_that_is_asked_for() -> None:
    broker = MemoryBroker(BrokerSettings(list_key="tests"))
    with transaction.atomic():
        async_chain([GOOD, GOOD], broker=broker, enqueue_on_commit=True)
        Chain([GOOD], broker=broker, enqueue_on_commit="default").run()
        assert not broker.queue
        async_chain([GOOD], broker=broker, enqueue_on_commit=False)
        assert len(broker.queue) == 1
    assert len(broker.queue) == 3


@pytest.mark.parametrize("cached", [False, True])
def test_a_chain_runs_in_order(cached: bool) -> None:
    group = async_chain([("math.copysign", (1, -1)), ("math.floor", (1,))], sync=True, cached=cached)
    assert result_group(group, cached=cached) == [-1.0, 1]
    assert Task.objects.count() == (0 if cached else 2)


def test_a_chain_stops_at_a_failure() -> None:
    group = async_chain([("math.floor", (1,)), (functions.fail,), ("math.floor", (3,))], sync=True)
    results = result_group(group, failures=True)
    assert results[0] == 1
    assert "on purpose" in results[1]
    assert len(results) == 2


@pytest.mark.parametrize(
    ("chain", "error", "text"),
    [
        ([], ValueError, "The chain is empty"),
        (None, TypeError, "A chain is a list of (func, args, kwargs), not None"),
        ("math.floor", TypeError, "A chain is a list"),
        (["math.floor"], TypeError, "Link 1 of the chain must be a tuple"),
        ([("math.floor",), ()], TypeError, "Link 2 of the chain must be a tuple"),
        ([("math.floor", 1)], TypeError, "Link 1 of the chain needs a tuple of arguments"),
        ([("math.floor", (1,), [])], TypeError, "dictionary of keywords"),
        ([("math.floor", (1,), {}, 7)], TypeError, "Link 1"),
        ([("math.floor", (lambda: None,))], SerializationError, "Argument 1 of 'math.floor'"),
        ([GOOD, (*GOOD, {"sync": False})], TypeError, "Link 2 of the chain cannot have sync of its own: give it to"),
        ([(*GOOD, {"enqueue_on_commit": True})], TypeError, "Link 1 of the chain cannot have enqueue_on_commit of"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(chain: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        async_chain(chain)
    assert text in str(caught.value)
    assert queue_size() == 0


@pytest.mark.parametrize(("on_failure", "goes_on", "ack_failure"), [("stop", False, None), ("continue", True, True)])
def test_every_link_knows_its_chain_and_what_a_failure_does(
    queued: Queued, on_failure: str, goes_on: bool, ack_failure: bool | None
) -> None:
    group = async_chain([GOOD, (*GOOD, {"ack_failure": False})], on_failure=on_failure)
    (package,) = queued()
    links = [package, *package.chain]
    assert [(link.chain_id, link.goes_on) for link in links] == [(group, goes_on)] * 2
    assert [link.ack_failure for link in links] == [ack_failure, False]


def test_what_a_failure_does_is_stop_or_continue() -> None:
    with pytest.raises(ValueError, match="on_failure takes 'stop' or 'continue', not 'go'"):
        async_chain([GOOD], on_failure="go")


def test_a_group_s_label_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="group is 101 characters long; 100 are allowed"):
        async_chain([GOOD], group="g" * 101)


@on_both
def test_a_chain_goes_on_after_a_failure_where_it_is_told_to(cached: bool) -> None:
    group = async_chain([GOOD, BAD, BAD, GOOD], sync=True, cached=cached, on_failure="continue")
    results = result_group(group, failures=True, cached=cached, count=4)
    assert [str(each)[:20] for each in results] == ["1", "ValueError: on purpo", "ValueError: on purpo", "1"]
    assert Part.objects.count() == 1  # the note of its end


@pytest.mark.parametrize("on_failure", ["stop", "continue"])
@pytest.mark.parametrize("keys", [{"save_limit": -1}, {"save_limit": 1}, {"save_limit": 0}])
def test_a_chain_goes_on_whatever_is_kept(keys: dict[str, Any], on_failure: str) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", **keys}):
        functions.CALLS.clear()
        chain = Chain([(functions.echo, (n,)) for n in range(4)], sync=True, on_failure=on_failure)
        chain.run()
        assert [args for args, _ in functions.CALLS] == [(0,), (1,), (2,), (3,)]
        assert len(chain.result(wait=-1)) == {-1: 0, 1: 1, 0: 4}[keys["save_limit"]]


# Waiting


@on_both
@pytest.mark.parametrize("wait", [0, -1, 5000])
def test_who_waits_for_a_chain_is_told_when_it_was_stopped(cached: bool, wait: int) -> None:
    chain = Chain([GOOD, BAD, GOOD], cached=cached, sync=True)
    group = chain.run()
    started = time.monotonic()
    assert chain.result(wait) == [1]
    assert [task.success for task in chain.fetch(wait=wait)] == [True, False]
    assert [task.success for task in chain.fetch(failures=False, wait=wait)] == [True]
    assert result_group(group, count=3, wait=wait, cached=cached) == [1]
    assert time.monotonic() - started < 3


@on_both
def test_who_waits_for_a_chain_is_told_the_end_when_its_results_are_gone(cached: bool) -> None:
    chain = Chain([GOOD, GOOD], cached=cached, sync=True)
    group = chain.run()
    started = time.monotonic()
    assert result_group(group, count=3, cached=cached, wait=5000) == [1, 1]
    delete_group(group, tasks=True, cached=cached)
    assert (chain.result(wait=5000), result_group(group, count=1, cached=cached, wait=5000)) == ([], [])
    assert time.monotonic() - started < 3


def test_a_stopped_chain_does_not_end_the_wait_for_a_group_it_shares() -> None:
    async_chain([BAD, GOOD], group="shared", sync=True)
    started = time.monotonic()
    assert result_group("shared", count=2, wait=100) == []
    assert time.monotonic() - started >= 0.1


def test_who_waits_for_links_that_are_not_kept_is_told_the_end() -> None:
    chain = Chain([(*GOOD, {"save": False}), (*GOOD, {"save": False})], sync=True)
    chain.run()
    assert chain.result(wait=-1) == []
    assert chain.fetch() == []


def test_waiting_for_a_chain_ends_after_the_milliseconds() -> None:
    chain = Chain([GOOD, GOOD])
    chain.run()
    started = time.monotonic()
    assert chain.result(wait=100) == []
    assert 0.1 <= time.monotonic() - started < 3
    with pytest.raises(ValueError, match="wait takes"):
        chain.fetch(wait=-2)


# Chain


@on_both
def test_links_are_appended_and_run(cached: bool) -> None:
    chain = Chain(cached=cached, sync=True)
    assert (chain.length(), chain.current(), chain.started) == (0, 0, False)
    assert (chain.append("math.copysign", 1, -1), chain.append("math.floor", 1, timeout=5)) == (1, 2)
    assert (chain.result(), chain.fetch()) == ([], [])
    group = chain.run()
    assert len(group) == 32
    assert chain.started
    assert chain.result() == [-1.0, 1]
    assert [task.group for task in chain.fetch()] == [group] * 2
    assert (chain.current(), chain.length()) == (2, 2)
    assert chain.append("math.floor", 3) == 3
    assert (chain.started, chain.result(), chain.current()) == (False, [], 0)
    assert chain.run() != group
    assert chain.result() == [-1.0, 1, 3]


def test_a_chain_is_given_at_construction(queued: Queued) -> None:
    chain = Chain([GOOD, GOOD], "mine", 60, False, broker=current.runtime().broker("other"), on_failure="continue")
    assert chain.run() == "mine"
    assert chain.current() == 0
    (package,) = queued("other")
    assert [(link.group, link.cached, link.goes_on) for link in (package, *package.chain)] == [("mine", 60, True)] * 2


def test_the_results_are_those_of_this_run_alone() -> None:
    chain = Chain([GOOD], "mine", sync=True)
    assert (chain.run(), chain.run()) == ("mine", "mine")
    assert chain.result() == [1]
    assert result_group("mine") == [1, 1]


def test_links_may_be_kept_in_different_places() -> None:
    chain = Chain([(*GOOD, {"cached": True}), GOOD, (*GOOD, {"cached": 60})], sync=True)
    chain.run()
    assert (chain.result(), chain.current(), Task.objects.count()) == ([1, 1, 1], 3, 1)


def test_the_current_link_is_the_one_after_those_that_have_run() -> None:
    chain = Chain([GOOD, BAD, GOOD], sync=True)
    chain.run()
    assert (chain.current(), chain.length()) == (2, 3)


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="The chain is empty"):
        Chain().run()
