"""``sync``: the whole way of a task in the calling process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from djq_core import hookimpl
from djq_core.cluster.inline import run_inline
from djq_core.models import Task
from djq_core.reporters import ErrorReporter
from tests.making import MemoryBroker, Shelf, new_shelf, package_of, runtime_of

HERE = __name__
LOG: list[Any] = []


class Plugin:
    def __init__(self, vetoes: str = "") -> None:
        self.vetoes = vetoes

    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str]:
        LOG.append(("pre_enqueue", task["name"]))
        if task["name"] == self.vetoes:
            raise PermissionError("not today")
        return {"trace": task["name"]}


@pytest.fixture(autouse=True)
def clean() -> None:
    LOG.clear()


@pytest.fixture
def shelf() -> type[Shelf]:
    return new_shelf(log=LOG)


def step(name: str) -> str:
    LOG.append(("run", name))
    return name


def fail(error: type[BaseException]) -> None:
    raise error("no")


def note(task: Task) -> None:
    LOG.append(("hook", task.name, task.success))


def test_a_task_is_run_saved_and_its_hook_called(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf)
    package = package_of(runtime, f"{HERE}.step", ("one",), name="one", hook=f"{HERE}.note")
    assert run_inline(runtime, package) == package.id
    assert LOG[:3] == [("run", "one"), ("save", ["one"]), ("hook", "one", True)]
    assert runtime.load("pickle", shelf.rows[package.id].result) == "one"


def test_no_timeout_ends_a_task(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf, timeout=0.01)
    package = package_of(runtime, "time.sleep", (0.1,), timeout=0.01)
    run_inline(runtime, package)
    assert shelf.rows[package.id].success


def test_an_error_is_reported_once_its_failure_is_saved(shelf: type[Shelf]) -> None:
    class Noting(ErrorReporter):
        name = "noting"

        def report(self, *args: Any) -> None:
            LOG.append("report")

    runtime = runtime_of(results=shelf, reporter=Noting)
    run_inline(runtime, package_of(runtime, f"{HERE}.fail", (OSError,)))
    assert [each if isinstance(each, str) else each[0] for each in LOG][:2] == ["save", "report"]


def test_nothing_is_sent_to_the_broker(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf)
    run_inline(runtime, package_of(runtime))
    broker = runtime.shared_broker()
    assert isinstance(broker, MemoryBroker)
    assert broker.log == []


def test_a_chain_runs_to_its_end_and_plugins_see_each_link(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf, plugins=[Plugin()])
    links = [package_of(runtime, f"{HERE}.step", (name,), name=name) for name in ("two", "three")]
    package = package_of(runtime, f"{HERE}.step", ("one",), name="one", chain=tuple(links))
    assert run_inline(runtime, package) == package.id
    assert [entry[1] for entry in LOG if entry[0] == "run"] == ["one", "two", "three"]
    assert [entry[1] for entry in LOG if entry[0] == "pre_enqueue"] == ["one", "two", "three"]
    assert {row.package.headers["trace"] for row in shelf.rows.values()} == {"one", "two", "three"}


def test_a_failed_link_ends_the_chain(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf)
    link = package_of(runtime, f"{HERE}.step", ("two",), name="two")
    package = package_of(runtime, f"{HERE}.fail", (SystemExit,), name="one", chain=(link,), hook=f"{HERE}.note")
    run_inline(runtime, package)
    assert LOG == [("save", ["one"]), ("hook", "one", False)]
    assert runtime.load("pickle", shelf.rows[package.id].result).startswith("SystemExit: no")


def test_a_veto_of_the_call_reaches_the_caller_and_one_of_a_link_ends_the_chain(
    shelf: type[Shelf], caplog: pytest.LogCaptureFixture
) -> None:
    runtime = runtime_of(results=shelf, plugins=[Plugin(vetoes="two")])
    link = package_of(runtime, name="two")
    with pytest.raises(PermissionError):
        run_inline(runtime, link)
    run_inline(runtime, package_of(runtime, name="one", chain=(link,)))
    assert [row.package.name for row in shelf.rows.values()] == ["one"]
    assert "The chain of [one] stops" in caplog.text


def test_the_caller_s_interrupt_is_the_caller_s(shelf: type[Shelf]) -> None:
    runtime = runtime_of(results=shelf)
    with pytest.raises(KeyboardInterrupt):
        run_inline(runtime, package_of(runtime, f"{HERE}.fail", (KeyboardInterrupt,)))
