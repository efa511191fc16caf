"""Databases that results are really committed to, and results to commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import Model
from django.test import override_settings

from djq_core import current
from djq_core.envelope import TaskPackage, TaskResult, new_id

ALIAS = "results"
START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

MakeResult = Callable[..., TaskResult]


class ResultsRouter:
    """Sends every model to the database under test."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return ALIAS

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return ALIAS


def _settings(kind: str, request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    if kind == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "results.sqlite3")}
    fixture = {"postgresql": "postgres_database", "mariadb": "mariadb_database"}[kind]
    settings: dict[str, Any] = request.getfixturevalue(fixture)
    return settings


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def alias(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    """Give the alias of an empty database to which the models are routed, of each kind in turn."""
    entry = _settings(request.param, request, tmp_path)
    connections.settings[ALIAS] = connections.configure_settings({"default": {}, ALIAS: entry})[ALIAS]
    with django_db_blocker.unblock(), override_settings(DATABASE_ROUTERS=[ResultsRouter()]):
        call_command("migrate", "djq_core", database=ALIAS, verbosity=0)
        try:
            yield ALIAS
        finally:
            connections[ALIAS].close()
            del connections[ALIAS], connections.settings[ALIAS]


@pytest.fixture
def make_result() -> MakeResult:
    """Give a maker of results of ``math.pow(2, 3)``; ``value`` is what it returned or the text of its error."""

    def make(
        value: Any = 8.0, *, success: bool = True, attempt: int = 1, crashed: bool = False, **package: Any
    ) -> TaskResult:
        runtime = current.runtime()
        task_id = package.pop("id", None) or new_id()
        parts = {"args": runtime.dump((2, 3)), "kwargs": runtime.dump({})}
        defaults: dict[str, Any] = {"name": f"name-{task_id}", "func": "math.pow", "started": START, "parts": parts}
        stopped = package.pop("stopped", START + timedelta(seconds=attempt))
        return TaskPackage(id=task_id, **{**defaults, **package}).finished(
            runtime.dump(value),
            stopped,
            success=success,
            serializer=runtime.conf.serializer,
            attempt=attempt,
            crashed=crashed,
        )

    return make
