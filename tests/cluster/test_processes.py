"""Starting children: all that one needs, or nothing."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from djq_core.cluster.processes import Spawner, start_context
from djq_core.cluster.roster import Roster
from tests.making import runtime_of


def open_files(limit: int) -> set[int]:
    """Return the descriptors below the limit that are open."""
    return {number for number in range(limit) if is_open(number)}


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@contextmanager
def only_free(count: int) -> Iterator[int]:
    """Leave room for so many more descriptors, and give the number that all are below."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(open_files(min(soft, 4096))) + 16
    fillers: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        fill(fillers)
        for _ in range(count):
            os.close(fillers.pop())
        yield limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in fillers:
            os.close(number)


def fill(fillers: list[int]) -> None:
    while True:
        try:
            fillers.append(os.dup(0))
        except OSError:
            return


STARTS: dict[str, Callable[[Spawner], object]] = {
    "worker": lambda spawner: spawner.worker(1),
    "pusher": lambda spawner: spawner.helper("pusher", 2),
}


@pytest.mark.parametrize("role", STARTS)
@pytest.mark.parametrize("free", [0, 1, 2, 3])
def test_a_child_that_cannot_be_started_leaves_nothing_open(role: str, free: int) -> None:
    context = start_context("fork")
    spawner = Spawner(runtime_of(), "test", context, Roster(context, 4))
    with only_free(free) as limit:
        before = open_files(limit)
        with pytest.raises(OSError, match="Too many open files") as caught:
            STARTS[role](spawner)
        after = open_files(limit)
    assert caught.value.errno == errno.EMFILE
    assert after <= before
