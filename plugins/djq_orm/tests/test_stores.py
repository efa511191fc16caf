"""The portable statements and each dialect do the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext

from djq_core.brokers.leases import Lease
from djq_orm.stores import store_for
from djq_orm.stores.base import Claimed, Store
from djq_orm.stores.postgresql import PostgresStore
from djq_orm.stores.sqlite import SQLiteStore

Configure = Callable[[dict[str, Any]], AbstractContextManager[str]]


@pytest.fixture(params=["portable", "dialect"])
def store(request: pytest.FixtureRequest, alias: str) -> Store:
    return Store(alias) if request.param == "portable" else store_for(alias)


def leases(rows: list[Claimed]) -> list[Lease]:
    return [Lease(str(row.pk), row.token) for row in rows]


def test_each_database_gets_its_dialect(sqlite_alias: str) -> None:
    assert type(store_for(sqlite_alias)) is SQLiteStore


def test_postgresql_gets_its_dialect(postgres_alias: str) -> None:
    assert type(store_for(postgres_alias)) is PostgresStore


def test_postgresql_may_bind_parameters_itself(
    postgres_database: dict[str, Any], django_db_blocker: Any, configure: Configure
) -> None:
    bound = {**postgres_database, "OPTIONS": {"server_side_binding": True}}
    with django_db_blocker.unblock(), configure(bound) as alias:
        call_command("migrate", "djq_orm", database=alias, verbosity=0)
        store = store_for(alias)
        store.insert("k", ["a", "b", "c"])
        a, b, c = store.claim("k", 5, 60)
        assert store.extend(leases([a, b]), 60) == {a.pk, b.pk}
        store.release("k", leases([b]), 5, counted=False)
        store.remove(leases([c]))
        assert (store.count_waiting("k"), store.count_held("k")) == (1, 1)
        assert store.seconds_to_next("k") is not None


def test_rows_are_claimed_in_order_and_once(store: Store) -> None:
    pks = store.insert("k", ["a", "b", "c"])
    first = store.claim("k", 2, 60)
    assert [(row.pk, row.text, row.deliveries, row.unanswered) for row in first] == [
        (pks[0], "a", 1, 1),
        (pks[1], "b", 1, 1),
    ]
    assert [row.text for row in store.claim("k", 2, 60)] == ["c"]
    assert store.claim("k", 2, 60) == []


def test_tokens_are_stored_as_they_are_handed_out(store: Store) -> None:
    store.insert("k", ["a", "b"])
    rows = store.claim("k", 2, 60)
    assert dict(store.rows.values_list("pk", "token")) == {row.pk: row.token for row in rows}
    assert len({row.token for row in rows}) == 2


def test_order_is_by_due_then_id(store: Store) -> None:
    store.insert("k", ["a", "b", "c"])
    a, b, _ = store.claim("k", 3, 60)
    store.release("k", leases([b]), 0, counted=True)
    time.sleep(0.002)
    store.release("k", leases([a]), 0, counted=True)
    assert [row.text for row in store.claim("k", 3, 60)] == ["b", "a"]


def test_only_what_is_still_held_is_extended(store: Store) -> None:
    store.insert("k", ["a", "b"])
    a, b = store.claim("k", 2, 60)
    store.remove(leases([a]))
    assert store.extend([*leases([a, b]), Lease(str(b.pk), "other")], 60) == {b.pk}


def test_an_extended_row_is_due_later(store: Store) -> None:
    store.insert("k", ["a"])
    rows = store.claim("k", 1, 5)
    store.extend(leases(rows), 100)
    left = store.seconds_to_next("k")
    assert left is not None
    assert 95 < left <= 100


def test_the_time_to_the_next_row(store: Store) -> None:
    assert store.seconds_to_next("k") is None
    store.insert("k", ["a"])
    left = store.seconds_to_next("k")
    assert left is not None
    assert -5 < left <= 0.001
    rows = store.claim("k", 1, 60)
    store.release("k", leases(rows), 10, counted=True)
    left = store.seconds_to_next("k")
    assert left is not None
    assert 9 < left <= 10


def test_a_release_tells_counted_from_uncounted(store: Store) -> None:
    store.insert("k", ["a", "b"])
    a, b = store.claim("k", 2, 60)
    store.release("k", leases([a]), 0, counted=True)
    store.release("k", leases([b]), 0, counted=False)
    found = dict(store.rows.values_list("payload", "deliveries"))
    assert found == {"a": 1, "b": 0}
    assert set(store.rows.values_list("token", "lock", "unanswered")) == {(None, None, 0)}


def numbers(rows: list[Claimed]) -> list[tuple[int, int]]:
    return [(row.deliveries, row.unanswered) for row in rows]


def test_deliveries_that_nobody_answers_are_one_attempt(store: Store) -> None:
    store.insert("k", ["a"])
    assert [numbers(store.claim("k", 1, 0)) for _ in range(3)] == [[(1, 1)], [(1, 2)], [(1, 3)]]
    assert list(store.rows.values_list("deliveries", "unanswered")) == [(1, 3)]
    store.release("k", leases(store.claim("k", 1, 60)), 0, counted=True)
    assert [numbers(store.claim("k", 1, 0)) for _ in range(2)] == [[(2, 1)], [(2, 2)]]


def test_an_uncounted_release_takes_back_the_one_attempt_of_many_deliveries(store: Store) -> None:
    store.insert("k", ["a"])
    store.release("k", leases(store.claim("k", 1, 60)), 0, counted=True)
    for _ in range(3):
        rows = store.claim("k", 1, 0)
    store.release("k", leases(rows), 0, counted=False)
    assert list(store.rows.values_list("deliveries", "unanswered")) == [(1, 0)]
    assert numbers(store.claim("k", 1, 60)) == [(2, 1)]


def test_a_claim_counts_each_row_by_itself(store: Store) -> None:
    store.insert("k", ["a"])
    store.claim("k", 1, 0)
    store.insert("k", ["b"])
    rows = store.claim("k", 2, 60)
    assert sorted((row.text, row.deliveries, row.unanswered) for row in rows) == [("a", 1, 2), ("b", 1, 1)]


def test_lock_is_the_time_of_the_pick_up_and_of_each_renewal(store: Store) -> None:
    store.insert("k", ["a"])
    assert store.rows.get().lock is None
    rows = store.claim("k", 1, 60)
    picked_up = store.rows.get().lock
    assert picked_up is not None
    assert abs(picked_up.timestamp() - time.time()) < 5
    time.sleep(0.01)
    store.extend(leases(rows), 60)
    renewed = store.rows.get().lock
    assert renewed is not None
    assert renewed > picked_up


def test_many_answers_at_once(store: Store) -> None:
    store.insert("k", ["x"] * 1000)
    rows = leases(store.claim("k", 1000, 60))
    assert len(store.extend(rows, 60)) == 1000
    store.release("k", rows[:400], 0, counted=True)
    store.remove(rows)
    assert (store.count_waiting("k"), store.count_held("k")) == (400, 0)


def test_clear_leaves_other_queues(store: Store) -> None:
    store.insert("k", ["a"])
    store.insert("other", ["b"])
    store.clear("k")
    assert (store.count_waiting("k"), store.count_waiting("other")) == (0, 1)


def test_those_that_wait_are_counted_in_the_index_alone(sqlite_alias: str) -> None:
    store = store_for(sqlite_alias)
    store.insert("k", ["a", "b", "c"])
    store.claim("k", 1, 60)
    lapsed = leases(store.claim("k", 1, 60))
    store.rows.filter(pk=lapsed[0].id).update(due=0)
    with CaptureQueriesContext(connections[sqlite_alias]) as queries:
        assert store.count_waiting("k") == 2
    (sql,) = [query["sql"] for query in queries]
    with connections[sqlite_alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
        assert "USING COVERING INDEX" in cursor.fetchall()[0][3]
