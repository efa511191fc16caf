"""Who lives under a sentinel, and that nobody outlives it."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from djq_core.cluster.roster import Roster, Survivors

CONTEXT = multiprocessing.get_context()
needs_pidfd = pytest.mark.skipif(sys.platform != "linux", reason="needs descriptors for processes, which Linux has")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def sleeper(stack: ExitStack, seconds: float) -> subprocess.Popen[bytes]:
    process = stack.enter_context(subprocess.Popen(["sleep", str(seconds)]))
    stack.callback(process.kill)
    return process


def test_a_roster_knows_who_was_started_and_has_not_ended() -> None:
    roster = Roster(CONTEXT, 3)
    for pid in (11, 12, 13):
        roster.add(pid)
    roster.remove(12)
    assert roster.pids() == [11, 13]
    roster.add(14)
    assert sorted(roster.pids()) == [11, 13, 14]


def test_a_full_roster_leaves_the_others_out() -> None:
    roster = Roster(CONTEXT, 1)
    roster.add(11)
    roster.add(12)
    roster.remove(12)
    assert roster.pids() == [11]


def test_another_process_reads_the_roster() -> None:
    roster = Roster(CONTEXT, 2)
    child = CONTEXT.Process(target=roster.add, args=(11,))
    child.start()
    child.join(30)
    assert roster.pids() == [11]


@needs_pidfd
def test_a_survivor_is_ended_when_its_time_is_over(stack: ExitStack) -> None:
    process = sleeper(stack, 60)
    survivors = Survivors(0.2)
    survivors.adopt([process.pid])
    survivors.look()
    assert process.poll() is None
    time.sleep(0.25)
    survivors.look()
    assert process.wait(5) == -signal.SIGKILL


@needs_pidfd
def test_who_ends_in_time_is_left_alone_and_nobody_is_waited_for_longer(stack: ExitStack) -> None:
    process = sleeper(stack, 0.1)
    survivors = Survivors(30.0)
    survivors.adopt([process.pid])
    began = time.monotonic()
    survivors.wait()
    assert time.monotonic() - began < 10
    assert process.wait(5) == 0


@needs_pidfd
def test_waiting_ends_who_does_not_go(stack: ExitStack) -> None:
    process = sleeper(stack, 60)
    survivors = Survivors(0.2)
    survivors.adopt([process.pid])
    survivors.wait()
    assert process.wait(5) == -signal.SIGKILL


@needs_pidfd
def test_who_has_ended_already_is_nobody(stack: ExitStack) -> None:
    process = sleeper(stack, 0)
    process.wait(5)
    survivors = Survivors(30.0)
    survivors.adopt([process.pid])
    began = time.monotonic()
    survivors.wait()
    assert time.monotonic() - began < 10
