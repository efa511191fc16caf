"""Writing outcomes, of tasks and of parts: one statement a batch where the database can tell what it changed.

The rule, whichever way it is written: a success is final; a failure is replaced by a success, or by a failure of the
same or a later attempt. ``started`` and what was called stay, what came of it is replaced. ``attempt_count`` never
falls, and a crash is added once for each attempt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DataError, IntegrityError, models, transaction

from djq_core.fields import SignedField
from djq_core.models import Part, Task
from djq_core.results.base import Stored

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

Outcome = Task | Part
OneKind = TypeVar("OneKind", Task, Part)

_OUTCOME = ("stopped", "result", "success", "is_final")
_MAX_STATEMENT = 32 * 1024 * 1024
#: What every MariaDB and MySQL takes as one statement; above that the server is asked for its ``max_allowed_packet``.
_MODEST_STATEMENT = 512 * 1024
_MARGIN = 16 * 1024
#: More bytes than a row takes beside what has no limit of its own: its texts have 844 characters at most.
_LIMITED = 4 * 1024


def rounds(tasks: Sequence[OneKind]) -> Iterator[list[OneKind]]:
    """Split a batch so that no id comes twice in one part; rows come by id, so that two writers never deadlock."""
    left = list(tasks)
    while left:
        first: dict[str, OneKind] = {}
        repeated = [task for task in left if first.setdefault(task.pk, task) is not task]
        yield [first[task_id] for task_id in sorted(first)]
        left = repeated


def upsert(connection: BaseDatabaseWrapper, tasks: Sequence[Outcome]) -> Mapping[str, Stored]:
    """Write rows of one model and different ids; return what is stored now for those that changed something."""
    writes = _in_one_statement if _tells_what_changed(connection) else in_steps
    rows = [(task, _values(connection, task)) for task in tasks]
    stored: dict[str, Stored] = {}
    for part in _parts(rows, _most_rows(connection, rows), _most_bytes(connection, rows)):
        stored |= writes(connection, part)
    return stored


Row = tuple[Outcome, list[Any]]


def _tells_what_changed(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor in ("postgresql", "sqlite") and connection.features.can_return_rows_from_bulk_insert


def _values(connection: BaseDatabaseWrapper, task: Outcome) -> list[Any]:
    """Return what is written of a row: its own values, but what is signed, and moments as the database takes them."""
    own, moment = task.__dict__, connection.ops.adapt_datetimefield_value
    values = [own[name] for name in _names(type(task))]
    for place, field in _signed(type(task)):
        values[place] = field.get_prep_value(values[place])
    return [moment(value) if isinstance(value, datetime) else value for value in values]


@cache
def _names(model: type[Outcome]) -> list[str]:
    return [field.attname for field in model._meta.local_concrete_fields]


@cache
def _signed(model: type[Outcome]) -> list[tuple[int, SignedField]]:
    fields = enumerate(model._meta.local_concrete_fields)
    return [(place, field) for place, field in fields if isinstance(field, SignedField)]


def _most_rows(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> int:
    most = connection.features.max_query_params or 65_535
    return max(1, int(most) // len(rows[0][1]))


def _size(row: Row) -> int:
    """Return the most bytes that a row takes; only what has no limit of its own is looked at."""
    task, values = row
    return _LIMITED + sum(len(values[place] or "") for place, _ in _signed(type(task)))


def _most_bytes(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> int:
    """Return what one statement may hold; raise DataError for a row that no statement of this server can."""
    sizes = [_size(row) for row in rows]
    if connection.vendor != "mysql" or sum(sizes) <= _MODEST_STATEMENT:
        return _MAX_STATEMENT
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        most = int(cursor.fetchone()[0]) - _MARGIN
    if max(sizes) > most:
        raise DataError(f"a row of {max(sizes)} bytes is larger than the server's max_allowed_packet allows")
    return min(_MAX_STATEMENT, most)


def _parts(rows: Sequence[Row], most_rows: int, most_bytes: int) -> Iterator[list[Row]]:
    """Split rows so that no statement has too many parameters or too many bytes."""
    part: list[Row] = []
    size = 0
    for row in rows:
        row_size = _size(row)
        if part and (len(part) >= most_rows or size + row_size > most_bytes):
            yield part
            part, size = [], 0
        part.append(row)
        size += row_size
    if part:
        yield part


# PostgreSQL and SQLite


def _in_one_statement(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> Mapping[str, Stored]:
    head, tail = _statement(type(rows[0][0]))
    is_read = connection.vendor == "postgresql"
    source, parameters = _as_json(connection, rows) if is_read else _as_values(rows)
    with connection.cursor() as cursor:
        cursor.execute(f"{head} {source} {tail}", parameters)
        return {task_id: Stored(attempts, crashes) for task_id, attempts, crashes in cursor.fetchall()}


def _as_values(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    row = f"({', '.join(['%s'] * len(rows[0][1]))})"
    return f"VALUES {', '.join([row] * len(rows))}", [value for _, values in rows for value in values]


def _as_json(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """Give all rows as one parameter: quoting each value, and finding its place, takes longer than the insert."""
    fields = type(rows[0][0])._meta.local_concrete_fields
    names = [field.column for field in fields]
    # the length of a text is checked where it is stored
    types = ["text" if isinstance(field, models.CharField) else field.db_type(connection) for field in fields]
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, types, strict=True))
    text = json.dumps([dict(zip(names, values, strict=True)) for _, values in rows], default=datetime.isoformat)
    return f"SELECT given.* FROM json_to_recordset(%s::json) AS given ({columns})", [text]


@cache
def _statement(model: type[Outcome]) -> tuple[str, str]:
    """Return what stands before and behind the values."""
    table = f'"{model._meta.db_table}"'
    columns = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields)
    outcome = ", ".join(f'"{name}" = excluded."{name}"' for name in _outcome(model))
    is_later = f'excluded."attempt_count" > {table}."attempt_count"'
    on_conflict = f"""ON CONFLICT ("id") DO UPDATE SET {outcome},
        "attempt_count" = CASE WHEN {is_later} THEN excluded."attempt_count" ELSE {table}."attempt_count" END,
        "crashes" = {table}."crashes" + CASE WHEN {is_later} THEN excluded."crashes" ELSE 0 END
        WHERE NOT {table}."success" AND (excluded."success" OR excluded."attempt_count" >= {table}."attempt_count")
        RETURNING "id", "attempt_count", "crashes"
    """
    return f"INSERT INTO {table} ({columns})", on_conflict


@cache
def _outcome(model: type[Outcome]) -> list[str]:
    return [field.name for field in model._meta.local_concrete_fields if field.name in _OUTCOME]


# Every other database


def in_steps(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> Mapping[str, Stored]:
    """Write rows with the statements that every database has: lock what is there, insert the rest, then replace."""
    alias, model = connection.alias, type(rows[0][0])
    tasks = {task.pk: task for task, _ in rows}
    with transaction.atomic(using=alias):
        there = _locked(alias, model, tasks)
        there |= _insert(alias, model, [task for task in tasks.values() if task.pk not in there])
        replaced = {task_id: _replace(alias, old, tasks[task_id]) for task_id, old in sorted(there.items())}
    inserted = {pk: Stored(task.attempt_count, task.crashes) for pk, task in tasks.items() if pk not in there}
    return inserted | {pk: now for pk, now in replaced.items() if now is not None}


def _locked(alias: str, model: type[Outcome], task_ids: Iterable[str]) -> dict[str, Outcome]:
    columns = ("id", "success", "attempt_count", "crashes")
    rows = _rows(alias, model).select_for_update().only(*columns).filter(pk__in=list(task_ids))
    return {task.pk: task for task in rows.order_by("pk")}


def _insert(alias: str, model: type[Outcome], tasks: Sequence[Outcome]) -> dict[str, Outcome]:
    """Insert rows; return those, locked, that other writers have put there meanwhile."""
    try:
        with transaction.atomic(using=alias):
            _rows(alias, model).bulk_create(tasks)
    except IntegrityError:
        there = _locked(alias, model, [task.pk for task in tasks])
        if not there:
            raise
        return there | _insert(alias, model, [task for task in tasks if task.pk not in there])
    return {}


def _rows(alias: str, model: type[Outcome]) -> QuerySet[Any]:
    return model._base_manager.using(alias)


def _replace(alias: str, old: Outcome, task: Outcome) -> Stored | None:
    if not follows(old, task):
        return None
    if task.attempt_count > old.attempt_count:
        old.crashes += task.crashes
        old.attempt_count = task.attempt_count
    outcome = _outcome(type(task))
    for name in outcome:
        setattr(old, name, task.__dict__[name])
    old.save(using=alias, update_fields=[*outcome, "attempt_count", "crashes"])
    return Stored(old.attempt_count, old.crashes)


def follows(old: Outcome, new: Outcome) -> bool:
    """Return whether the new outcome replaces the old one."""
    return not old.success and (new.success or new.attempt_count >= old.attempt_count)
