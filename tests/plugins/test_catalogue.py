"""The table of hooks and signals in the documentation: complete, in order, and true of a cluster that runs."""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from djq_core import hookimpl, signals
from djq_core.plugins import Hooks, load
from djq_core.plugins.masking import HIDDEN
from djq_core.plugins.specs import HookSpecs
from tests.harness.fixtures import MakeSite, make_module_site, sqlite_databases
from tests.harness.logs import MONITOR, PUSHER, SCHEDULER, SENTINEL, WORKER
from tests.harness.waiting import wait_until
from tests.plugins import recording
from tests.plugins.distributions import Site, conf_of
from tests.plugins.test_hooks import CONF, TASK, hooks_with

__all__ = ["make_module_site", "sqlite_databases"]

pytestmark = pytest.mark.xdist_group("catalogue")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "hooks.md"
ROLES = {WORKER: "worker", MONITOR: "monitor", PUSHER: "pusher", SCHEDULER: "scheduler", SENTINEL: "sentinel"}
#: The words of the column of processes that stand for several.
SEVERAL = {
    "each": {"caller", "command", "pusher", "worker", "monitor", "scheduler"},
    "children": {"pusher", "worker", "monitor", "scheduler"},
    "asker": {"caller"},  # the test asks in the process that calls
}


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    arguments: list[str]
    fires: str
    where: str
    raising: str

    @property
    def is_signal(self) -> bool:
        return not self.name.startswith("djq_")

    @property
    def processes(self) -> set[str]:
        words = set(self.where.split(", "))
        return set().union(*(SEVERAL.get(word, {word}) for word in words))


def rows() -> list[Row]:
    text = PAGE.read_text()
    table = text[text.index("## All of them, in order") : text.index("The processes:")]
    found = []
    for line in re.findall(r"^\| `.*\|$", table, re.MULTILINE):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        match = re.fullmatch(r"`(\w+)\((.*)\)`", cells[0].strip())
        assert match, f"the first cell is to be a call, as in `name(arguments)`: {line}"
        found.append(Row(match[1], list(filter(None, match[2].split(", "))), *cells[1:]))
    return found


ROWS = rows()
by_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


# Complete


def test_every_hook_and_signal_has_one_row_and_each_row_is_one_of_them() -> None:
    assert [row.name for row in ROWS if not row.is_signal] == recording.names_of_hooks()
    assert sorted(row.name for row in ROWS if row.is_signal) == sorted(recording.names_of_signals())


@by_row
def test_the_arguments_are_those_that_are_given(row: Row) -> None:
    if not row.is_signal:
        assert row.arguments == recording.names_of_arguments(row.name)
    assert len(row.fires) > 10


def test_a_signal_stands_behind_the_hook_that_sends_it() -> None:
    names = [row.name for row in ROWS]
    for name in recording.names_of_signals():
        assert names[names.index(name) - 1] == f"djq_{name}"


# Where: in a cluster


@dataclass
class Seen:
    """The calls of a site in which everything has happened."""

    calls: list[dict[str, Any]]
    roles: dict[int, str]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["what"] == name]

    def processes(self, name: str) -> set[str]:
        return {self.roles.get(call["pid"], f"process {call['pid']}") for call in self.of(name)}


@pytest.fixture(scope="module")
def seen(make_module_site: MakeSite) -> Seen:
    """Let everything happen that a hook or signal tells of, once at least."""
    site = make_module_site(q_cluster={"workers": 2, "max_crashes": 1, "max_attempts": 2})
    info = site.folder / "recording-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: recording\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[djq]\n{recording.ENTRY_POINT}\n")
    caller = site.call("own_pid")
    site.call("command", "check")
    site.call("command", "djq", "health")
    site.call("command", "qinfo", "--config")
    site.call("add_schedules", 1, 0.0)
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "good", hook="tests.harness.tasks.note_hook")
        site.call("run_chain", [["mark", "one"], ["mark", "two"]], 20_000)
        assert site.call("group_results", "s-0", 1) == ["s-0"]
        site.row(site.call("enqueue", "fail", "bad"), 20, attempts=2)
        site.call("enqueue", "segfault", "deadly")
        site.row("deadly", 20)
        file = recording.recording_of(site.folder)
        wait_until(lambda: '"djq_task_quarantined"' in file.read_text(), 20, "the quarantine is told")
        wait_until(lambda: '"djq_process_died"' in file.read_text(), 20, "the death is told")
        sentinel = cluster.only(SENTINEL)
        os.kill(sentinel, signal.SIGKILL)
        wait_until(lambda: cluster.role(SENTINEL) not in ([], [sentinel]), 20, "another sentinel")
        wait_until(lambda: all(cluster.role(role) for role in ROLES), 20, "all of its processes")
        site.call("enqueue", "mark", "after")
        site.row("after", 20)
        assert cluster.stop() == 0
        roles = {one.pid: ROLES[one.role] for one in cluster.log.announced()}
        roles |= {cluster.pid: "command", caller: "caller"}
    calls = [json.loads(line) for line in file.read_text().splitlines()]
    return Seen(calls, roles)


@by_row
def test_it_is_called_in_the_processes_that_the_table_names_and_in_no_other(row: Row, seen: Seen) -> None:
    assert seen.processes(row.name) == row.processes


@by_row
def test_it_is_given_the_arguments_that_the_table_names(row: Row, seen: Seen) -> None:
    assert {tuple(call["arguments"]) for call in seen.of(row.name)} == {tuple(row.arguments)}
    if row.is_signal:
        assert {call["sender"] for call in seen.of(row.name)} == {signals.SENDER}


@pytest.mark.parametrize("name", ["djq_after_fork", "djq_post_spawn", "djq_process_stopping"])
def test_a_process_is_told_its_own_role(name: str, seen: Seen) -> None:
    for call in seen.of(name):
        assert call["role"] == seen.roles[call["pid"]]


def order_in(seen: Seen, role: str, *names: str) -> list[str]:
    """Return the calls of these names in one process of a role, in the order of their first."""
    pids = [call["pid"] for call in seen.of(names[-1]) if seen.roles[call["pid"]] == role]
    calls = [call["what"] for call in seen.calls if call["pid"] == pids[0] and call["what"] in names]
    return list(dict.fromkeys(calls))


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("caller", ["djq_register_brokers", "djq_ready", "djq_pre_enqueue", "pre_enqueue", "djq_post_enqueue"]),
        ("worker", ["djq_after_fork", "djq_ready", "djq_post_spawn", "post_spawn", "djq_resolve_function"]),
        ("worker", ["djq_resolve_function", "djq_pre_execute", "djq_execute", "djq_post_execute_in_worker"]),
        ("monitor", ["djq_after_fork", "djq_ready", "djq_post_spawn", "djq_post_execute", "djq_task_quarantined"]),
        ("command", ["djq_cluster_starting", "djq_cluster_started", "djq_cluster_stopping", "djq_cluster_stopped"]),
    ],
)
def test_they_come_in_the_order_of_the_table(role: str, names: list[str], seen: Seen) -> None:
    listed = [row.name for row in ROWS]
    told = order_in(seen, role, *names)
    assert sorted(told) == sorted(names)
    hooks = [name for name in told if name.startswith("djq_")]
    assert hooks == [name for name in names if name.startswith("djq_")]
    assert hooks == sorted(hooks, key=listed.index)


# Raising


class Raised(Exception):
    pass


def raising(hook: str) -> object:
    """Return a plugin whose one hook raises."""
    names = ", ".join(["self", *recording.names_of_arguments(hook)])
    made: dict[str, Any] = {"Raised": Raised}
    exec(f"def call({names}):\n    raise Raised('from {hook}')", made)
    return type("Raising", (), {hook: hookimpl(made["call"])})()


#: How each hook is called.
CALLS: dict[str, tuple[Any, ...]] = {
    "djq_check": (CONF, False),
    "djq_ready": (CONF,),
    "djq_pre_enqueue": (TASK,),
    "djq_post_enqueue": (TASK, "receipt"),
    "djq_resolve_function": ("a.b",),
    "djq_pre_execute": (print, TASK),
    "djq_execute": (print, TASK),
    "djq_post_execute_in_worker": (print, TASK, 3, None),
    "djq_post_execute": (TASK,),
    "djq_task_retried": (TASK, 2, 60.0),
    "djq_task_quarantined": (TASK, "bad"),
    "djq_cluster_starting": ("c", 7),
    "djq_cluster_started": ("c", 7),
    "djq_post_spawn": ("worker", "Process-1:1", 7),
    "djq_after_fork": ("worker",),
    "djq_process_died": ("worker", "Process-1:1", 7, -9, "one"),
    "djq_process_stopping": ("worker", "Process-1:1", 7),
    "djq_cluster_stopping": ("c", 7),
    "djq_cluster_stopped": ("c", 7),
    "djq_metric": ("tasks", 1.5, {}),
    "djq_health": (),
    "djq_redact": ("key", "value"),
}
#: What is returned in place of what a hook did not.
INSTEAD: dict[str, Callable[[Any], bool]] = {
    "djq_health": lambda answer: [each.is_healthy for each in answer] == [False],
    "djq_redact": lambda answer: answer == HIDDEN,
}
BROKEN = "the plugin is broken"
LOGGED = "logged"


@by_row
def test_one_that_raises_does_what_the_table_says(row: Row, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "djq")
    if row.raising == BROKEN:
        assert _breaks_its_plugin(row.name, tmp_path)
        return
    with _raiser(row) as hooks:
        call = getattr(hooks, row.name.removeprefix("djq_"))
        arguments = CALLS[row.name if not row.is_signal else f"djq_{row.name}"]
        if row.raising.startswith(LOGGED):
            answer = call(*arguments)
            assert INSTEAD.get(row.name, lambda _: True)(answer)
            assert "Raised: from" in caplog.text
            assert (row.name in INSTEAD) == (row.raising != LOGGED)
            return
        with pytest.raises(Raised):
            call(*arguments)
    assert caplog.text == ""
    assert re.match("the caller gets the error|the task fails|the function is refused", row.raising)


@contextmanager
def _raiser(row: Row) -> Iterator[Hooks]:
    if not row.is_signal:
        yield hooks_with(raising(row.name))
        return

    def receive(**_: Any) -> None:
        raise Raised(f"from {row.name}")

    sent = getattr(signals, row.name)
    sent.connect(receive)
    try:
        yield hooks_with()
    finally:
        sent.disconnect(receive)


def _breaks_its_plugin(hook: str, folder: Path) -> bool:
    site = Site(folder)
    source = f"from djq_core import hookimpl\n@hookimpl\ndef {hook}():\n    raise OSError('no')\n"
    module = site.install("broken", source)
    sys.path.insert(0, str(folder))
    try:
        registry = load(conf_of(), entry_points=site.entry_points)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(module, None)
    (record,) = [each for each in registry.plugins if each.distribution == "broken"]
    return record.status == "broken" and "no" in str(record.error)


def test_every_way_of_raising_is_explained() -> None:
    text = PAGE.read_text()
    for row in ROWS:
        assert f"**{row.raising}**" in text, row


def test_the_specs_are_in_the_order_of_the_table() -> None:
    source = inspect.getsource(HookSpecs)
    places = [source.index(f"def {row.name}(") for row in ROWS if not row.is_signal]
    assert places == sorted(places)
