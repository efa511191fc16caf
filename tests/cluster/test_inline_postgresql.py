"""``sync`` inside a transaction of PostgreSQL, which an error of any statement breaks without Django knowing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from djq_core.cluster.inline import run_inline
from tests.making import new_shelf, package_of, runtime_of

ALIAS = "postgres"


@pytest.fixture
def postgres(postgres_database: dict[str, Any], django_db_blocker: Any) -> Iterator[None]:
    """Have an empty database of PostgreSQL."""
    connections.settings[ALIAS] = connections.configure_settings({"default": {}, ALIAS: postgres_database})[ALIAS]
    with django_db_blocker.unblock():
        yield
        connections[ALIAS].close()
    del connections[ALIAS], connections.settings[ALIAS]


def ask(question: str) -> Any:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def test_a_transaction_that_a_statement_has_broken_is_taken_back(postgres: None) -> None:
    shelf = new_shelf(log=[])
    runtime = runtime_of(results=shelf)
    with transaction.atomic(using=ALIAS):
        task_id = run_inline(runtime, package_of(runtime, f"{__name__}.ask", ("SELECT nothing",)))
        assert not shelf.rows[task_id].success
        assert ask("SELECT 1") == 1
