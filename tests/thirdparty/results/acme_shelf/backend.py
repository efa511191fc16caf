"""Results in a file of SQLite's own, outside of the site's databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core import serializers

from acme_shelf.plugin import SHELF
from djq_core.conf import Conf
from djq_core.envelope import TaskResult
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.models import Task
from djq_core.results import ResultBackend, Stored
from djq_core.results.records import task_of

_TABLE = """
CREATE TABLE IF NOT EXISTS shelf (
    id TEXT PRIMARY KEY, name TEXT, "group" TEXT, success INTEGER, started TEXT, stopped TEXT, func TEXT,
    attempts INTEGER, crashes INTEGER, task TEXT
)
"""


class ShelfResults(ResultBackend):
    """A row for each task: what is asked for in columns, and the task as a fixture, whose values Django signs."""

    name = "acme-shelf"

    def __init__(self, conf: Conf) -> None:
        super().__init__(conf)
        self._path = Path(SHELF.read(conf))

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        """Put the results on the shelf, all at once."""
        with self._writing() as shelf:
            return {task_id: stored for each in results for task_id, stored in _put(shelf, task_of(each))}

    def get(self, task_id: str) -> Task | None:
        """Return the task with this id or name."""
        found = self._tasks("WHERE id = ? OR name = ?", task_id, task_id) if task_id else []
        return found[0] if found else None

    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        """Return the tasks of a group in the order of their calls."""
        return self._tasks('WHERE "group" = ? AND success >= ? ORDER BY started, stopped', group_id, not failures)

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        """Return the number of a group's results, or of its failures."""
        condition = "AND NOT success" if failures else ""
        return int(self._ask(f'SELECT count(*) FROM shelf WHERE "group" = ? {condition}', group_id)[0][0])

    def delete(self, task_id: str) -> bool:
        """Delete one task."""
        return self._change("DELETE FROM shelf WHERE id = ? OR name = ?", task_id, task_id) > 0

    def delete_group(self, group_id: str, *, tasks: bool = False) -> int:
        """Remove a group's label, or its tasks."""
        what = "DELETE FROM shelf" if tasks else 'UPDATE shelf SET "group" = NULL'
        return self._change(f'{what} WHERE "group" = ?', group_id)

    def prune(self, keep: int, **only: str | None) -> None:
        """Delete the oldest successes beyond ``keep``."""
        condition = "".join(f' AND "{column}" IS ?' for column in only)
        chosen = f"SELECT id FROM shelf WHERE success{condition} ORDER BY stopped DESC LIMIT -1 OFFSET ?"
        self._change(f"DELETE FROM shelf WHERE id IN ({chosen})", *only.values(), keep)

    # The file

    def _tasks(self, rest: str, *values: Any) -> list[Task]:
        return [_task(*row) for row in self._ask(f"{_SELECT} {rest}", *values)]

    def _ask(self, query: str, *values: Any) -> list[Any]:
        with self._writing() as shelf:
            return shelf.execute(query, values).fetchall()

    def _change(self, query: str, *values: Any) -> int:
        with self._writing() as shelf:
            return shelf.execute(query, values).rowcount

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=20, isolation_level=None)) as shelf:
                shelf.execute(_TABLE)
                shelf.execute("BEGIN IMMEDIATE")
                yield shelf
                shelf.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise ResultBackendUnavailable(f"The shelf {self._path} cannot be reached: {error}") from error


_SELECT = "SELECT task, started, stopped, attempts, crashes FROM shelf"


def _put(shelf: sqlite3.Connection, task: Task) -> Iterator[tuple[str, Stored]]:
    """Insert or replace a row, and yield what is known of the task; nothing where the row stays as it is."""
    old = shelf.execute("SELECT success, stopped, attempts, crashes FROM shelf WHERE id = ?", [task.id]).fetchone()
    attempts, crashes = task.attempt_count, task.crashes
    if old is not None:
        success, stopped, old_attempts, old_crashes = old
        is_repeat = (bool(success), stopped) == (task.success, task.stopped.isoformat())
        if not is_repeat and (success or (not task.success and attempts < old_attempts)):
            return
        crashes = old_crashes + (crashes if attempts > old_attempts else 0)
        attempts = max(attempts, old_attempts)
    moments = task.started.isoformat(), task.stopped.isoformat()
    row = (task.id, task.name, task.group, task.success, *moments, task.func, attempts, crashes)
    text = serializers.serialize("json", [task])
    shelf.execute("INSERT OR REPLACE INTO shelf VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, text))
    yield task.id, Stored(attempts, crashes)


def _task(text: str, started: str, stopped: str, attempts: int, crashes: int) -> Task:
    (found,) = serializers.deserialize("json", text)
    task = found.object
    assert isinstance(task, Task)
    task.started, task.stopped = map(datetime.fromisoformat, (started, stopped))  # a fixture has milliseconds
    task.attempt_count, task.crashes = attempts, crashes
    return task
