"""What the tests of result backends share: fixtures, and results to save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import pytest

from djq_core import current
from djq_core.envelope import TaskPackage, TaskResult, new_id
from djq_core.envelope.package import ARGS, KWARGS
from djq_core.models import Task
from djq_core.results.base import ResultBackend
from djq_core.testing.contract import Contract

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class MakeResult(Protocol):
    """Makes results of ``math.pow(2, 3)``."""

    def __call__(
        self, value: Any = ..., *, success: bool = ..., attempt: int = ..., crashed: bool = ..., **package: Any
    ) -> TaskResult:
        """Return one; ``package`` are fields of its TaskPackage, and ``stopped``."""


class Records(Contract):
    """The fixtures and figures that an author may set, and what the tests are written with."""

    subject_attribute: ClassVar[str] = "backend_class"
    #: The class under test.
    backend_class: ClassVar[type[ResultBackend]]
    #: Fields of every TaskPackage whose result is saved here, such as ``cached``.
    package_fields: ClassVar[Mapping[str, Any]] = {}

    # What an author may give

    @pytest.fixture
    def backend(self) -> ResultBackend:
        """Give a backend over an empty store, whose saves are committed."""
        return self.backend_class(current.runtime().conf)

    @pytest.fixture
    def outage(self) -> Callable[[], AbstractContextManager[Any]]:
        """Give what takes the store away for a block; left out, its tests do not apply."""
        raise NotImplementedError

    @pytest.fixture
    def after_thread(self) -> Callable[[], object]:
        """Give what a thread does before it ends."""
        return _close_connections

    # What the tests use

    @pytest.fixture
    def group(self) -> str:
        """Give the name of a group that no other test has."""
        return f"group-{uuid4().hex[:12]}"

    @pytest.fixture
    def make_result(self) -> MakeResult:
        """Give a maker of results; ``value`` is what was returned, or the text of an error."""

        def make(
            value: Any = 8.0, *, success: bool = True, attempt: int = 1, crashed: bool = False, **package: Any
        ) -> TaskResult:
            runtime = current.runtime()
            stopped = package.pop("stopped", START + timedelta(seconds=attempt))
            package = {**self._defaults(package.pop("id", None) or new_id()), **self.package_fields, **package}
            return TaskPackage(**package).finished(
                runtime.dump(value),
                stopped,
                success=success,
                serializer=runtime.conf.serializer,
                attempt=attempt,
                crashed=crashed,
            )

        return make

    def found(self, backend: ResultBackend, result: TaskResult) -> Task:
        """Return what the backend has of a result's task; fail where that is nothing."""
        task = backend.get(result.package.id)
        assert task is not None, f"{result.package.id} was saved and is not found"
        return task

    @staticmethod
    def _defaults(task_id: str) -> dict[str, Any]:
        runtime = current.runtime()
        return {
            "id": task_id,
            "name": f"name-{task_id}",
            "func": "math.pow",
            "started": START,
            "serializer": runtime.conf.serializer,
            "parts": {ARGS: runtime.dump((2, 3)), KWARGS: runtime.dump({})},
        }


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
