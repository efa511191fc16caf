"""``sync=True``: run a task and everything that follows from it in the calling process (manual 1.4.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError, connections, transaction

from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.keeper import Keeper
from djq_core.cluster.pruning import Pruning
from djq_core.enqueue import ask
from djq_core.envelope import TaskPackage

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def run_inline(runtime: Runtime, package: TaskPackage) -> str:
    """Run a package and the rest of its chain, save each result, call each hook, and return the first task's id.

    A failing task is saved as a failure; nothing is raised for it.
    """
    executor = Executor(Tools.of(runtime, _nothing), lets_through=(KeyboardInterrupt,))
    pruning = Pruning("sync", runtime)
    keeper = Keeper(runtime, tries_again=False, count=pruning.note)
    todo = deque([ask(runtime, package)[1]])
    while todo:
        link = todo.popleft()
        with _usable_transactions():
            result = executor.execute(link).of(link)
        try:
            keeper.save([result], lambda following: todo.append(ask(runtime, following)[1]))
        finally:
            executor.report()
        keeper.announce(result)
        with _usable_transactions():
            keeper.follow(result)
    pruning.prune(force=True)
    return package.id


@contextmanager
def _usable_transactions() -> Iterator[None]:
    """Take a transaction of the caller's back to here where the block breaks it; nothing could be saved in it then."""
    used = (each for each in connections.all(initialized_only=True) if each.in_atomic_block and not each.needs_rollback)
    points = {each.alias: point for each in used if (point := each.savepoint())}
    yield
    for alias, point in points.items():
        if not _is_released(alias, point):
            transaction.set_rollback(False, using=alias)
            transaction.savepoint_rollback(point, using=alias)


def _is_released(alias: str, point: str) -> bool:
    """Give a savepoint up; return False where the transaction is broken, as Django knows or the database says."""
    if transaction.get_rollback(using=alias):
        return False
    try:
        transaction.savepoint_commit(point, using=alias)
    except DatabaseError:
        return False
    return True


def _nothing() -> None:
    """Leave the caller's database connections alone."""
