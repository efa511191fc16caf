"""The account itself must not overlook anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.harness import procs
from tests.harness.ledger import Ledger
from tests.harness.oracle import END, PUT, START, Oracle, note


def _ledger(folder: Path, *events: str, failures: Mapping[str, str] | None = None, queued: int = 0) -> Ledger:
    """Return the account of events such as ``a:put``; ``a:stored`` is a success."""
    pairs = [event.split(":") for event in events]
    for label, kind in pairs:
        if kind != "stored":
            note(folder / "oracle", label, kind)
    successes = [label for label, kind in pairs if kind == "stored"]
    return Ledger.of(Oracle(folder / "oracle"), successes=successes, failures=failures or {}, queued=queued)


WHOLE = ("a:put", "a:start", "a:end", "a:stored")


def test_a_task_that_went_its_way_is_no_difference(tmp_path: Path) -> None:
    assert _ledger(tmp_path, *WHOLE).differences() == []


def test_a_lost_task_is_found(tmp_path: Path) -> None:
    differences = _ledger(tmp_path, *WHOLE, "b:put", "c:put", "c:start", "c:end").differences()
    assert "lost: b, c" in differences
    assert "never started: b" in differences


def test_an_extra_start_needs_a_kill(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, "a:put", "a:start", *WHOLE[1:])
    assert ledger.differences() == ["1 extra starts, 0 kills explain: a"]
    assert ledger.differences(kills=1) == []


def test_a_failure_needs_poison(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, "a:put", "a:start", failures={"a": "SIGSEGV"})
    assert ledger.differences() == ["failed without a reason to: a"]
    assert ledger.differences(poison=["a"]) == []


def test_what_was_never_enqueued_is_found(tmp_path: Path) -> None:
    assert _ledger(tmp_path, "a:start", "a:end").differences() == ["started, but never enqueued: a"]


def test_a_result_without_a_run_is_found(tmp_path: Path) -> None:
    assert "stored, but never finished: a" in _ledger(tmp_path, "a:put", "a:stored").differences()


def test_what_is_left_on_the_queue_is_found(tmp_path: Path) -> None:
    assert _ledger(tmp_path, *WHOLE, queued=2).differences() == ["2 still queued: some"]


def test_the_oracle_takes_in_what_is_new(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path / "oracle")
    assert oracle.entries() == []
    for kind in (PUT, START):
        note(oracle.path, "a", kind)
    assert oracle.running() == {os.getpid(): "a"}
    with oracle.path.open("a") as file:
        file.write(f"a {os.getpid()} e")
    assert oracle.of("a") == [START]
    with oracle.path.open("a") as file:
        file.write("nd 1.0\n")
    assert oracle.of("a") == [START, END]
    assert oracle.running() == {}


def test_only_living_processes_of_the_session_are_listed() -> None:
    own = os.getsid(0)
    assert os.getpid() in procs.session_of(own)
    assert not procs.lives_in(own + 1, os.getpid())
    assert not procs.kill(own + 1, os.getpid())
