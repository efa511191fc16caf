"""Tables with as many rows as are asked for, written by the database itself."""

from __future__ import annotations

from django.db import connection

from djq_core.fields import seal
from djq_core.models import Task
from djq_orm.models import OrmQ

#: One failure in so many tasks; so many tasks to a group, but for the group "crowd" that half of them are in.
FAILS, GROUPED = 10, 20
_STAMP = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 1767225600 + n * 0.5, 'unixepoch')",
    "postgresql": "to_timestamp(1767225600 + n * 0.5)",
}
_HEX = {"sqlite": "printf('%%032x', (n * 2654435761) %% 4294967296)", "postgresql": "md5(n::text)"}
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"


def fill_tasks(count: int) -> None:
    """Add tasks named name-1, name-2, …, each half a second after the one before."""
    stamp, key = _STAMP[connection.vendor], _HEX[connection.vendor]
    _insert(
        Task._meta.db_table,
        "id, name, func, args, kwargs, result, started, stopped, success, attempt_count, crashes, "
        + connection.ops.quote_name("group"),
        f"{key}, 'name-' || n, 'shop.tasks.number_' || (n %% 50), %s, %s, %s, {stamp}, {stamp}, "
        f"n %% {FAILS} <> 0, 1, 0, "
        f"CASE WHEN n %% 2 = 0 THEN 'crowd' ELSE 'group-' || (n / {GROUPED}) END",
        count,
        *(seal(value).text for value in ((2, 3), {"a": 1}, "x" * 200)),
    )


def fill_queue(count: int, payload: str, key: str = "tests") -> None:
    """Add packages, every second one to the queue ``other``."""
    _insert(
        OrmQ._meta.db_table,
        "key, payload, due, deliveries, unanswered",
        "CASE WHEN n %% 2 = 0 THEN 'other' ELSE %s END, %s, n, 0, 0",
        count,
        key,
        payload,
    )


def _insert(table: str, columns: str, values: str, count: int, *params: str) -> None:
    columns = ", ".join(connection.ops.quote_name(name.strip(' "')) for name in columns.split(","))
    head, start = f"INSERT INTO {table} ({columns})", f"SELECT {values} FROM numbers"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{head} SELECT {values} FROM generate_series(1, %s) AS numbers(n)", [*params, count])
        else:
            cursor.execute(f"{head} {_NUMBERS} {start}", [count, *params])
