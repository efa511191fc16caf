"""``sync=True``: run a task and everything that follows from it in the calling process (manual 1.4.4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.keeper import Keeper
from djq_core.enqueue import ask
from djq_core.envelope import TaskPackage

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def run_inline(runtime: Runtime, package: TaskPackage) -> str:
    """Run a package and the rest of its chain, save each result, call each hook, and return the first task's id.

    A failing task is saved as a failure; nothing is raised for it.
    """
    executor = Executor(Tools.of(runtime, _nothing), lets_through=(KeyboardInterrupt,))
    keeper = Keeper(runtime, tries_again=False)
    todo = deque([ask(runtime, package)[1]])
    while todo:
        link = todo.popleft()
        result = executor.execute(link).of(link)
        keeper.save([result], lambda following: todo.append(ask(runtime, following)[1]))
        keeper.announce(result)
        keeper.follow(result)
    keeper.prune(force=True)
    return package.id


def _nothing() -> None:
    """Leave the caller's database connections alone."""
