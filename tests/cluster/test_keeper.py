"""Keeping results: saved first, links and hooks after, and how the broker is answered."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import caches
from django.db import DatabaseError, DataError, InterfaceError, OperationalError

from djq_core import hookimpl
from djq_core.cluster.keeper import FINAL, Keeper, Verdict, verdict
from djq_core.conf.backoff import Exponential, Steps
from djq_core.envelope import Place, TaskPackage, TaskResult, new_id
from djq_core.exceptions import BrokerError, ResultBackendUnavailable
from djq_core.models import Part, Task
from djq_core.results import Stored, parts
from djq_core.results.database import DatabaseResults
from djq_core.results.records import part_of
from djq_core.runtime import Runtime
from tests.conf.making import conf
from tests.making import new_reporter, new_shelf, package_of, result_of, runtime_of

HERE = __name__
HOOKED: list[Task] = []


def remember(task: Task) -> None:
    HOOKED.append(task)


def refuse(task: Task) -> None:
    raise PermissionError("not today")


def leave(task: Task) -> None:
    raise SystemExit(3)


class Listener:
    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []

    @hookimpl
    def djq_post_execute(self, task: Mapping[str, Any]) -> None:
        self.told.append(task)


@pytest.fixture(autouse=True)
def clean() -> None:
    HOOKED.clear()
    caches["default"].clear()


def nothing(package: TaskPackage) -> None:
    raise AssertionError("no link was to be submitted")


def with_link(runtime: Runtime, **fields: Any) -> TaskPackage:
    return package_of(runtime, name="first", chain=(package_of(runtime, name="link"),), **fields)


# Saving and links


def test_a_batch_is_saved_before_its_links_are_submitted() -> None:
    log: list[Any] = []
    runtime = runtime_of(results=new_shelf(log=log))
    results = [result_of(runtime, with_link(runtime)) for _ in range(2)]
    Keeper(runtime).save(results, lambda link: log.append(("link", link.name)))
    assert log == [("save", ["first", "first"]), ("link", "link"), ("link", "link")]


def submitted(
    runtime: Runtime, package: TaskPackage, *, again: Collection[str] = (), **fields: Any
) -> list[TaskPackage]:
    links: list[TaskPackage] = []
    Keeper(runtime).save([result_of(runtime, package, **fields)], links.append, again=again)
    return links


def test_a_link_follows_a_success_once() -> None:
    runtime = runtime_of(results=new_shelf())
    package = with_link(runtime)
    assert submitted(runtime, package, success=False) == []
    assert submitted(runtime, package, attempt=2) == [package.chain[0]]
    assert submitted(runtime, package, attempt=2) == []


def test_a_link_that_left_no_trace_is_sent_again_by_a_later_run_of_the_one_before() -> None:
    runtime = runtime_of(results=new_shelf())
    package = with_link(runtime)

    def killed(link: TaskPackage) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Keeper(runtime).save([result_of(runtime, package)], killed)
    assert submitted(runtime, package) == []
    assert submitted(runtime, package, again={package.id}, success=False) == []
    assert submitted(runtime, package, again={package.id}) == [package.chain[0]]
    assert submitted(runtime, package.chain[0], success=False) == []
    assert submitted(runtime, package, again={package.id}) == []


@pytest.mark.django_db
def test_a_link_that_is_not_kept_is_sent_again_until_it_is_noted() -> None:
    runtime = runtime_of(results=new_shelf(), save_limit=-1)
    chain_id = new_id()
    last = package_of(runtime, name="last", chain_id=chain_id)
    link = package_of(runtime, name="link", chain_id=chain_id)
    first = package_of(runtime, name="first", chain_id=chain_id, chain=(link, last))
    moments = [datetime(2026, 5, 1, 12, minute, tzinfo=UTC) for minute in range(3)]
    assert submitted(runtime, first, stopped=moments[0]) == [replace(link, chain=(last,))]
    assert submitted(runtime, first, stopped=moments[1], again={first.id}) == [replace(link, chain=(last,))]
    assert submitted(runtime, replace(link, chain=(last,))) == [last]
    assert submitted(runtime, first, stopped=moments[2], again={first.id}) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("database", "fields", "is_alone"),
    [(None, {}, True), ("default", {}, False), ("other", {}, True), (None, {"success": False}, False)],
)
def test_a_link_that_is_not_part_of_the_save_is_sent_alone(
    database: str | None, fields: dict[str, Any], is_alone: bool
) -> None:
    runtime = runtime_of(results=DatabaseResults)
    keeper = Keeper(runtime, database=database)
    assert keeper.sends_alone(result_of(runtime, with_link(runtime), **fields)) is is_alone
    assert keeper.sends_alone(result_of(runtime, package_of(runtime), **fields)) is False


def test_the_link_carries_the_rest_of_the_chain() -> None:
    runtime = runtime_of(results=new_shelf())
    second, third = package_of(runtime), package_of(runtime)
    (link,) = submitted(runtime, package_of(runtime, chain=(second, third)))
    assert link == replace(second, chain=(third,))


@pytest.mark.parametrize(
    ("keys", "save", "success", "is_saved"),
    [
        ({}, None, True, True),
        ({}, False, True, False),
        ({}, False, False, True),
        ({"save_limit": 0}, None, True, True),
        ({"save_limit": -1}, None, True, False),
        ({"save_limit": -1}, True, True, True),
        ({"save_limit": -1}, None, False, True),
    ],
)
def test_what_is_saved(keys: dict[str, Any], save: bool | None, success: bool, is_saved: bool) -> None:
    shelf = new_shelf()
    runtime = runtime_of(results=shelf, **keys)
    package = with_link(runtime, save=save)
    links: list[TaskPackage] = []
    stored = Keeper(runtime).save([result_of(runtime, package, success=success)], links.append)
    assert (package.id in shelf.rows, package.id in stored) == (is_saved, is_saved)
    assert len(links) == success


def test_cached_results_go_to_the_cache_alone() -> None:
    shelf = new_shelf()
    runtime = runtime_of(results=shelf, save_limit=-1)
    kept, cached = package_of(runtime, save=True), package_of(runtime, cached=60, save=False)
    stored = Keeper(runtime).save([result_of(runtime, cached), result_of(runtime, kept)], nothing)
    assert set(stored) == {kept.id, cached.id}
    assert set(shelf.rows) == {kept.id}
    assert runtime.cache_results.get(cached.id) is not None


def test_a_plugin_s_veto_ends_the_chain_alone(caplog: pytest.LogCaptureFixture) -> None:
    shelf = new_shelf()
    runtime = runtime_of(results=shelf)

    def veto(package: TaskPackage) -> None:
        raise PermissionError("not today")

    package = with_link(runtime)
    Keeper(runtime).save([result_of(runtime, package)], veto)
    assert package.id in shelf.rows
    assert "The chain of [first] stops: its next link [link] was refused" in caplog.text


@pytest.mark.parametrize("error", [BrokerError, DatabaseError])
def test_a_link_that_could_not_be_sent_reaches_the_monitor(error: type[Exception]) -> None:
    runtime = runtime_of(results=new_shelf())

    def away(package: TaskPackage) -> None:
        raise error("away")

    with pytest.raises(ResultBackendUnavailable):
        Keeper(runtime).save([result_of(runtime, with_link(runtime))], away)


def test_a_store_that_is_away_reaches_the_monitor() -> None:
    runtime = runtime_of(results=new_shelf(outages=1))
    with pytest.raises(ResultBackendUnavailable):
        Keeper(runtime).save([result_of(runtime, with_link(runtime))], nothing)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("database", "is_undone"), [("default", True), ("other", False), (None, False)])
def test_results_and_links_are_one_transaction_where_they_share_a_database(
    database: str | None, is_undone: bool
) -> None:
    runtime = runtime_of(results=DatabaseResults)
    package = with_link(runtime)

    def away(link: TaskPackage) -> None:
        assert Task.objects.filter(pk=package.id).exists()
        raise BrokerError("away")

    with pytest.raises(ResultBackendUnavailable):
        Keeper(runtime, database=database).save([result_of(runtime, package)], away)
    assert Task.objects.filter(pk=package.id).exists() is not is_undone


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (OperationalError, ResultBackendUnavailable),
        (InterfaceError, ResultBackendUnavailable),
        (DataError, DataError),
        (ValueError, ValueError),
    ],
)
def test_what_passes_leaves_the_transaction_as_unavailable(raised: type[Exception], seen: type[Exception]) -> None:
    runtime = runtime_of(results=DatabaseResults)
    package = package_of(runtime)
    with pytest.raises(seen, match="gone"), runtime.results.transaction():  # noqa: PT012
        runtime.results.save_many([result_of(runtime, package)])
        raise raised("gone")
    assert not Task.objects.filter(pk=package.id).exists()


# What follows


def test_the_end_of_a_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    runtime = runtime_of()
    with caplog.at_level(logging.INFO, "djq"):
        Keeper(runtime).announce(result_of(runtime, package_of(runtime, name="one")))
        Keeper(runtime).announce(result_of(runtime, package_of(runtime, name="two"), "ValueError: x", success=False))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "Processed [one]"),
        ("ERROR", "Failed [two] - ValueError: x"),
    ]


def test_plugins_are_told_of_a_saved_result() -> None:
    listener = Listener()
    runtime = runtime_of(plugins=[listener])
    package = package_of(runtime, "math.pow", (2, 3))
    Keeper(runtime).follow(result_of(runtime, package, 8.0, attempt=2))
    (task,) = listener.told
    told = {name: task[name] for name in ("id", "args", "kwargs", "success", "result", "attempt")}
    assert told == {"id": package.id, "args": (2, 3), "kwargs": {}, "success": True, "result": 8.0, "attempt": 2}


@pytest.mark.parametrize(("hook", "has_plugin"), [("", False), ("", True), ("math.floor", False)])
def test_what_the_site_or_a_plugin_wants_to_know_is_followed(hook: str, has_plugin: bool) -> None:
    runtime = runtime_of(plugins=[Listener()] if has_plugin else [])
    package = package_of(runtime, hook=hook or None)
    assert Keeper(runtime).is_followed(package) is (has_plugin or bool(hook))


def test_plugins_are_told_before_the_hook_is_called() -> None:
    seen: list[int] = []

    class Counting:
        @hookimpl
        def djq_post_execute(self, task: Mapping[str, Any]) -> None:
            seen.append(len(HOOKED))

    runtime = runtime_of(plugins=[Counting()])
    Keeper(runtime).follow(result_of(runtime, package_of(runtime, hook=f"{HERE}.remember")))
    assert (seen, len(HOOKED)) == ([0], 1)


def test_a_result_that_cannot_be_read_is_no_reason_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    runtime = runtime_of(plugins=[listener])
    result = replace(result_of(runtime, package_of(runtime, name="one")), result=b"no pickle")
    Keeper(runtime).follow(result)
    assert listener.told == []
    assert "The plugins cannot be told of [one]" in caplog.text


def test_plugins_are_told_of_a_failure_whose_arguments_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    runtime = runtime_of(plugins=[listener])
    package = package_of(runtime, name="one", parts={"args": b"no pickle", "kwargs": b""})
    Keeper(runtime).follow(result_of(runtime, package, "it cannot be read", success=False))
    (task,) = listener.told
    assert (task["args"], task["kwargs"], task["success"], task["result"]) == ((), {}, False, "it cannot be read")
    assert "The plugins are told of [one] without its arguments: " in caplog.text


# Hooks


@pytest.mark.parametrize("fields", [{}, {"cached": True}, {"save": False}, {"group": "g"}])
@pytest.mark.parametrize("success", [True, False])
def test_a_hook_gets_the_complete_task(fields: dict[str, Any], success: bool) -> None:
    runtime = runtime_of()
    package = package_of(runtime, "math.pow", (2, 3), hook=f"{HERE}.remember", **fields)
    Keeper(runtime).call_hook(result_of(runtime, package, 8.0, success=success, attempt=3))
    (task,) = HOOKED
    assert (task.id, task.name, task.func, task.hook) == (package.id, package.name, "math.pow", f"{HERE}.remember")
    assert (task.args, task.kwargs, task.result) == ((2, 3), {}, 8.0)
    assert (task.success, task.attempt_count, task.group) == (success, 3, fields.get("group"))


def test_a_hook_that_travelled_itself_is_called() -> None:
    runtime = runtime_of()
    package = package_of(runtime, hook="<no path>")
    parts = {**package.parts, "hook": runtime.dump(remember)}
    Keeper(runtime).call_hook(result_of(runtime, replace(package, parts=parts)))
    assert [task.id for task in HOOKED] == [package.id]


@pytest.mark.parametrize(
    ("hook", "kind"), [("refuse", "PermissionError"), ("leave", "SystemExit"), ("nosuch", "FunctionNotFound")]
)
def test_what_a_hook_raises_is_logged_and_reported(hook: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    reporter = new_reporter()
    runtime = runtime_of(reporter=reporter)
    package = package_of(runtime, name="one", hook=f"{HERE}.{hook}")
    Keeper(runtime).call_hook(result_of(runtime, package))
    assert f"The hook {HERE}.{hook} of [one] failed" in caplog.text
    ((exc_info, task, where),) = reporter.reports
    assert exc_info is not None
    assert task is not None
    assert (exc_info[0].__name__, task["id"], where) == (kind, package.id, "monitor")


# Verdicts


FIRST = Stored(1, 0)


def judged(*, stored: Stored | None = FIRST, waited: float = 0.0, keys: Any = None, **fields: Any) -> Verdict:
    runtime = runtime_of()
    own = {name: fields.pop(name) for name in ("ack_failure", "max_attempts", "backoff") if name in fields}
    result = result_of(runtime, package_of(runtime, **own), **{"success": False, **fields})
    return verdict(conf(keys or {}), result, stored, waited)


@pytest.mark.parametrize(
    "case",
    [
        {"success": True},
        {"stored": None},
        {"ack_failure": True},
        {"keys": {"ack_failures": True}},
        {"keys": {"max_attempts": 3}, "attempt": 3},
        {"keys": {"max_attempts": 3}, "attempt": 4},
        {"max_attempts": 2, "attempt": 2},
        {"keys": {"max_attempts": 9}, "max_attempts": 1},
        {"crashed": True, "stored": Stored(3, 3)},
        {"crashed": True, "stored": Stored(1, 1), "keys": {"max_crashes": 1}},
    ],
)
def test_some_ends_are_final(case: dict[str, Any]) -> None:
    assert judged(**case) == FINAL


@pytest.mark.parametrize(
    ("case", "delay"),
    [
        ({}, 60.0),
        ({"waited": 20.0}, 40.0),
        ({"waited": 100.0}, 0.0),
        ({"keys": {"backoff": 5}, "waited": 20.0}, 5.0),
        ({"keys": {"backoff": 0}}, 0.0),
        ({"keys": {"retry": 10}, "waited": 4.0}, 6.0),
        ({"keys": {"ack_failures": True}, "ack_failure": False}, 60.0),
        ({"keys": {"max_attempts": 3}, "attempt": 2}, 60.0),
        ({"keys": {"max_attempts": 3}, "max_attempts": 0, "attempt": 9}, 60.0),
        ({"keys": {"max_attempts": 1}, "max_attempts": 3, "attempt": 2}, 60.0),
        ({"keys": {"backoff": [1, 10]}, "attempt": 1}, 1.0),
        ({"keys": {"backoff": [1, 10]}, "attempt": 7}, 10.0),
        ({"keys": {"backoff": 5}, "backoff": Steps((0,))}, 0.0),
        ({"keys": {"backoff": {"initial": 1, "jitter": 0}}, "attempt": 4}, 8.0),
        ({"backoff": Exponential(3, 10, 100, jitter=0), "attempt": 3}, 100.0),
        ({"attempt": 1000}, 60.0),
        ({"crashed": True, "stored": Stored(2, 2)}, 60.0),
        ({"crashed": False, "stored": Stored(9, 9)}, 60.0),
    ],
)
def test_other_failures_are_tried_again_after_what_is_left_of_retry(case: dict[str, Any], delay: float) -> None:
    assert judged(**case) == Verdict(is_final=False, delay=delay)


# Chains: how they end


@pytest.fixture
def chained() -> Runtime:
    return runtime_of(results=new_shelf())


def ends(
    runtime: Runtime, package: TaskPackage, *, submit: Any = None, keeper: Keeper | None = None, **fields: Any
) -> bool:
    keeper = keeper or Keeper(runtime)
    keeper.save([result_of(runtime, package, **fields)], submit or (lambda link: None))
    return parts.has_ended(package.chain_id or "")


@pytest.mark.django_db
def test_a_chain_ends_with_a_failure_and_goes_on_when_that_succeeds_later(chained: Runtime) -> None:
    package = with_link(chained, chain_id=new_id())
    assert ends(chained, package, success=False)
    assert ends(chained, package, success=False, attempt=2)
    assert not ends(chained, package, attempt=3)


@pytest.mark.django_db
@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize("fields", [{}, {"save": False}, {"goes_on": True}])
def test_the_end_of_the_last_link_is_noted_for_its_row_may_be_deleted(
    chained: Runtime, fields: dict[str, Any], success: bool
) -> None:
    assert ends(chained, package_of(chained, chain_id=new_id(), **fields), success=success)


@pytest.mark.django_db
def test_a_veto_ends_a_chain(chained: Runtime) -> None:
    def veto(package: TaskPackage) -> None:
        raise PermissionError("not today")

    for goes_on in (False, True):
        package = with_link(chained, chain_id=new_id(), goes_on=goes_on)
        assert ends(chained, package, submit=veto, success=not goes_on, keeper=Keeper(chained, tries_again=False))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "tries_again", "attempt", "links"),
    [
        ({"ack_failure": True}, True, 1, 1),
        ({"ack_failure": False}, True, 1, 0),
        ({"ack_failure": False}, True, 2, 1),
        ({"ack_failure": False}, False, 1, 1),
        ({"ack_failure": True, "goes_on": False}, False, 1, 0),
    ],
)
def test_a_link_follows_a_failure_that_is_final_where_the_chain_goes_on(
    fields: dict[str, Any], tries_again: bool, attempt: int, links: int
) -> None:
    runtime = runtime_of(results=new_shelf(), max_attempts=2)
    package = with_link(runtime, **{"goes_on": True, **fields})
    sent: list[TaskPackage] = []
    keeper = Keeper(runtime, tries_again=tries_again)
    keeper.save([result_of(runtime, package, success=False, attempt=attempt)], sent.append)
    assert len(sent) == links
    assert keeper.sends_alone(result_of(runtime, package, success=False)) is package.goes_on


# Iters


def part_results(runtime: Runtime, count: int = 3, **fields: Any) -> list[TaskResult]:
    whole = fields.pop("whole", None) or new_id()
    places = [Place(whole, "whole", number, count) for number in range(count)]
    return [result_of(runtime, package_of(runtime, place=place, **fields), place.number) for place in places]


@pytest.fixture
def database() -> Runtime:
    return runtime_of(results=DatabaseResults)


@pytest.mark.django_db
def test_an_iter_is_collated_when_its_last_part_is_saved(database: Runtime) -> None:
    first, second, third = part_results(database, group="g", cluster="c")
    keeper = Keeper(database)
    assert keeper.save([third, first], nothing).keys() == {third.package.id, first.package.id}
    assert not Task.objects.exists()
    keeper.save([second], nothing)
    task = Task.objects.get()
    assert (task.name, task.result, task.success, task.group, task.cluster) == ("whole", [0, 1, 2], True, "g", "c")
    assert (task.started, task.stopped) == (first.package.started, third.stopped)
    assert not Part.objects.filter(result__isnull=False).exists()


@pytest.mark.django_db
def test_an_iter_whose_save_was_cut_off_is_collated_by_the_repeat(database: Runtime) -> None:
    results = part_results(database)
    parts.save([part_of(result, is_final=False) for result in results])
    Keeper(database).save(results[:1], nothing)
    assert Task.objects.get().result == [0, 1, 2]


@pytest.mark.django_db
def test_an_iter_that_is_saved_again_whole_changes_nothing(database: Runtime) -> None:
    results = part_results(database)
    for _ in range(3):
        Keeper(database).save(results, nothing)
    assert Task.objects.get().result == [0, 1, 2]
    assert not Part.objects.filter(result__isnull=False).exists()


@pytest.mark.django_db
def test_a_part_that_succeeds_later_makes_the_iter_a_success(database: Runtime) -> None:
    good, bad = part_results(database, 2)
    failed = replace(bad, success=False, result=database.dump("ValueError: no"))
    Keeper(database).save([good, failed], nothing)
    task = Task.objects.get()
    assert (task.success, task.result, Part.objects.filter(result__isnull=False).count()) == (
        False,
        [0, "ValueError: no"],
        2,
    )
    Keeper(database).save([replace(bad, attempt=2)], nothing)
    task = Task.objects.get()
    assert (task.success, task.result, Part.objects.filter(result__isnull=False).count()) == (True, [0, 1], 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("package", "result", "tries_again"),
    [
        ({"ack_failure": True}, {}, True),
        ({}, {"attempt": 2}, True),
        ({}, {"crashed": True}, True),
        ({}, {}, False),
    ],
)
def test_the_parts_of_an_iter_go_when_its_failures_are_final(
    package: dict[str, Any], result: dict[str, Any], tries_again: bool
) -> None:
    runtime = runtime_of(results=DatabaseResults, max_attempts=2, max_crashes=1)
    good, bad = part_results(runtime, 2, **package)
    failed = replace(bad, success=False, result=runtime.dump("no"), **result)
    Keeper(runtime, tries_again=tries_again).save([failed, good], nothing)
    assert (Task.objects.get().result, Part.objects.filter(result__isnull=False).count()) == ([0, "no"], 0)


@pytest.mark.django_db
def test_a_part_that_crashed_too_often_is_final() -> None:
    runtime = runtime_of(results=DatabaseResults, max_crashes=2)
    good, bad = part_results(runtime, 2)
    for attempt in (1, 2):
        died = replace(bad, success=False, crashed=True, attempt=attempt, result=runtime.dump("died"))
        Keeper(runtime).save([good, died], nothing)
        assert (Task.objects.get().result, Part.objects.filter(result__isnull=False).count()) == (
            [0, "died"],
            4 - 2 * attempt,
        )


@pytest.mark.django_db
def test_a_cached_iter_goes_to_the_cache_alone(database: Runtime) -> None:
    results = part_results(database, cached=60)
    Keeper(database).save(results, nothing)
    place = results[0].package.place
    assert place is not None
    task = database.cache_results.get(place.whole)
    assert task is not None
    assert (task.result, Task.objects.count(), Part.objects.filter(result__isnull=False).count()) == ([0, 1, 2], 0, 0)


class Narrow(DatabaseResults):
    """Takes no row of more than 10 KB."""

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        if any(len(result.result) > 10_000 for result in results):
            raise DataError("the row is too large")
        return super().save_many(results)


@pytest.mark.django_db
def test_results_that_cannot_be_saved_as_one_are_one_failure() -> None:
    runtime = runtime_of(results=Narrow)
    results = [replace(each, result=runtime.dump("x" * 6_000)) for each in part_results(runtime, 2)]
    Keeper(runtime).save(results, nothing)
    task = Task.objects.get()
    assert (task.success, Part.objects.filter(result__isnull=False).count()) == (False, 0)
    assert task.result == "The results of the iter could not be saved as one: DataError: the row is too large"
