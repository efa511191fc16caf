"""The care of database connections; tests/flow/test_hostile_tasks.py leaves transactions open on real databases."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import connection, transaction

from djq_core.cluster.databases import is_closed, refresh_connections
from djq_core.models import Schedule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_transaction_that_was_left_open_is_undone_and_the_next_use_works(depth: int) -> None:
    called: list[str] = []
    for _ in range(depth):
        transaction.atomic().__enter__()
    Schedule.objects.create(func="math.floor")
    transaction.on_commit(lambda: called.append("committed"))
    refresh_connections()
    assert not connection.in_atomic_block
    assert transaction.get_autocommit()
    assert Schedule.objects.count() == 0
    with transaction.atomic():
        Schedule.objects.create(func="math.ceil")
    assert Schedule.objects.get().func == "math.ceil"
    assert called == []


def test_a_transaction_in_error_is_undone() -> None:
    transaction.atomic().__enter__()
    transaction.set_rollback(True)
    refresh_connections()
    assert Schedule.objects.count() == 0


def test_autocommit_that_was_turned_off_is_on_again() -> None:
    transaction.set_autocommit(False)
    Schedule.objects.create(func="math.floor")
    refresh_connections()
    assert transaction.get_autocommit()
    assert Schedule.objects.count() == 0


def test_a_good_connection_is_kept() -> None:
    connection.ensure_connection()
    kept = connection.connection
    refresh_connections()
    assert connection.connection is kept


def test_a_connection_that_was_closed_behind_django_s_back_is_noticed() -> None:
    raw = sqlite3.connect(":memory:")
    assert not is_closed(raw)
    raw.close()
    assert is_closed(raw)
