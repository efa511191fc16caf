"""Results in a database: on SQLite, PostgreSQL and MariaDB, committed."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.test.utils import CaptureQueriesContext

from djq_core.envelope import new_id
from djq_core.envelope.package import UNREADABLE
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.fields import Sealed
from djq_core.models import Task
from djq_core.results import Stored
from djq_core.results.database import DatabaseResults
from tests.results.conftest import START, MakeResult

pytestmark = pytest.mark.usefixtures("alias")
only_postgresql = pytest.mark.parametrize("alias", ["postgresql"], indirect=True)
only_sqlite = pytest.mark.parametrize("alias", ["sqlite"], indirect=True)


@pytest.fixture
def backend() -> DatabaseResults:
    return DatabaseResults()


def test_a_result_is_found_by_id_and_by_name(backend: DatabaseResults, make_result: MakeResult) -> None:
    result = make_result(name="winter-maple", group="powers", hook="hooks.done", cluster="main")
    assert backend.save_many([result]) == {result.package.id: Stored(1, 0)}
    task = backend.get(result.package.id)
    assert task == backend.get("winter-maple")
    assert task is not None
    assert (task.func, task.hook, task.group, task.cluster) == ("math.pow", "hooks.done", "powers", "main")
    assert (task.args, task.kwargs, task.result) == ((2, 3), {}, 8.0)
    assert (task.started, task.stopped, task.success) == (START, START + timedelta(seconds=1), True)
    assert backend.get("no-such-name") is None


def test_a_batch_is_one_statement(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    with CaptureQueriesContext(connections[alias]) as queries:
        assert len(backend.save_many([make_result() for _ in range(50)])) == 50
    assert len([query for query in queries.captured_queries if "INSERT" in query["sql"]]) == 1


def test_a_batch_of_any_size_arrives(backend: DatabaseResults, make_result: MakeResult) -> None:
    assert len(backend.save_many([make_result() for _ in range(2500)])) == 2500
    assert Task.objects.count() == 2500


def test_large_results_are_split_into_statements(backend: DatabaseResults, make_result: MakeResult) -> None:
    results = [make_result("x" * 15_000_000) for _ in range(3)]
    assert len(backend.save_many(results)) == 3
    task = backend.get(results[2].package.id)
    assert task is not None
    assert len(task.result) == 15_000_000


def test_nothing_to_save_is_nothing(backend: DatabaseResults) -> None:
    assert backend.save_many([]) == {}


def test_a_later_success_replaces_a_failure(backend: DatabaseResults, make_result: MakeResult) -> None:
    task_id = new_id()
    backend.save_many([make_result("broken", success=False, id=task_id)])
    later = make_result(9.0, attempt=2, id=task_id, started=START + timedelta(hours=1))
    assert backend.save_many([later]) == {task_id: Stored(2, 0)}
    task = backend.get(task_id)
    assert task is not None
    assert (task.success, task.result, task.attempt_count, task.started) == (True, 9.0, 2, START)
    assert task.stopped == START + timedelta(seconds=2)


@pytest.mark.parametrize("success", [True, False])
def test_nothing_replaces_a_success(backend: DatabaseResults, make_result: MakeResult, success: bool) -> None:
    task_id = new_id()
    backend.save_many([make_result(8.0, id=task_id)])
    assert backend.save_many([make_result("late", success=success, attempt=2, id=task_id)]) == {}
    task = backend.get(task_id)
    assert task is not None
    assert (task.success, task.result, task.attempt_count) == (True, 8.0, 1)


def test_a_repeated_success_is_told_again_unless_a_transaction_holds_what_follows(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    result = make_result()
    for _ in range(2):
        assert backend.save_many([result, make_result()])[result.package.id] == Stored(1, 0)
    with transaction.atomic(using=alias):
        assert backend.save_many([result]) == {}


def test_a_failure_of_a_superseded_attempt_changes_nothing(backend: DatabaseResults, make_result: MakeResult) -> None:
    task_id = new_id()
    backend.save_many([make_result("second", success=False, attempt=2, id=task_id)])
    assert backend.save_many([make_result("first", success=False, attempt=1, id=task_id)]) == {}
    assert Task.get_result(task_id) == "second"


def test_a_success_of_a_superseded_attempt_counts(backend: DatabaseResults, make_result: MakeResult) -> None:
    task_id = new_id()
    backend.save_many([make_result("second", success=False, attempt=2, id=task_id)])
    assert backend.save_many([make_result(8.0, attempt=1, id=task_id)]) == {task_id: Stored(2, 0)}


def test_crashes_are_counted_once_for_each_attempt(backend: DatabaseResults, make_result: MakeResult) -> None:
    task_id = new_id()
    first = make_result("died", success=False, crashed=True, id=task_id)
    second = make_result("raised", success=False, attempt=2, id=task_id)
    third = make_result("died", success=False, crashed=True, attempt=3, id=task_id)
    seen = [backend.save_many([result])[task_id] for result in (first, first, second, third, third)]
    assert seen == [Stored(1, 1), Stored(1, 1), Stored(2, 1), Stored(3, 2), Stored(3, 2)]


def test_one_task_comes_several_times_in_a_batch(backend: DatabaseResults, make_result: MakeResult) -> None:
    task_id = new_id()
    died = make_result("died", success=False, crashed=True, id=task_id)
    batch = [died, make_result(), died, make_result("died", success=False, crashed=True, attempt=2, id=task_id)]
    assert backend.save_many(batch)[task_id] == Stored(2, 2)
    assert backend.save_many([make_result(1, attempt=3, id=task_id), make_result(2, attempt=4, id=task_id)]) == {
        task_id: Stored(3, 2)
    }
    assert Task.get_result(task_id) == 1


def test_values_are_neither_read_nor_written_anew(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    package = {"parts": {"args": b"not a pickle"}}
    result = make_result(**package)
    backend.save_many([result])
    task = Task.objects.get()
    sealed = task.__dict__["args"]
    assert isinstance(sealed, Sealed)
    assert sealed.serialized().data == b"not a pickle"
    assert task.kwargs is None
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT args FROM {Task._meta.db_table}")
        assert cursor.fetchone() == (sealed.text,)


def test_texts_that_no_database_takes_are_made_to_fit(backend: DatabaseResults, make_result: MakeResult) -> None:
    result = make_result(name="n" * 300, func="f\x00" + "o" * 300, hook="h\ud800")
    backend.save_many([result])
    task = Task.objects.get()
    assert (len(task.name), len(task.func), task.func[:2], task.hook) == (100, 256, "f\N{REPLACEMENT CHARACTER}", "h?")


def test_a_nul_in_a_result_arrives(backend: DatabaseResults, make_result: MakeResult) -> None:
    result = make_result("a\x00b", success=False)
    backend.save_many([result])
    assert Task.get_result(result.package.id) == "a\x00b"


@only_postgresql
def test_a_row_that_is_refused_is_no_outage(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        backend.save_many([make_result(), make_result(group="g" * 101)])
    assert not isinstance(caught.value, ResultBackendUnavailable)
    assert Task.objects.count() == 0


def test_a_save_is_part_of_the_callers_transaction(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    assert backend.database == alias
    with transaction.atomic(using=alias):
        backend.save_many([make_result()])
        assert Task.objects.count() == 1
        transaction.set_rollback(True, using=alias)
    assert Task.objects.count() == 0


def test_a_database_that_cannot_be_reached_is_unavailable(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    connection = connections[alias]
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/no/such/folder/db" if connection.vendor == "sqlite" else "nowhere"
    with pytest.raises(ResultBackendUnavailable, match="'results' does not take results now"):
        backend.save_many([make_result()])
    connection.settings_dict["NAME"] = name
    assert len(backend.save_many([make_result()])) == 1


def test_a_table_that_is_not_there_is_told_with_the_remedy(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    with connections[alias].schema_editor() as editor:
        editor.delete_model(Task)
    with pytest.raises(ResultBackendUnavailable, match=r"there\? Run: manage.py migrate --database=results"):
        backend.save_many([make_result()])


@only_sqlite
def test_a_locked_database_is_unavailable(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    connection = connections[alias]
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other.ensure_connection()
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        with pytest.raises(ResultBackendUnavailable):
            backend.save_many([make_result()])
        cursor.execute("ROLLBACK")
    other.close()
    assert len(backend.save_many([make_result()])) == 1


@only_postgresql
def test_a_lost_connection_is_unavailable_once(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    connection = connections[alias]
    backend.save_many([make_result()])
    other = connection.copy()
    with other.cursor() as cursor, connection.cursor() as own:
        own.execute("SELECT pg_backend_pid()")
        cursor.execute("SELECT pg_terminate_backend(%s)", own.fetchone())
    other.close()
    with pytest.raises(ResultBackendUnavailable):
        backend.save_many([make_result()])
    assert len(backend.save_many([make_result()])) == 1


@only_postgresql
@pytest.mark.parametrize(
    ("state", "is_passing"),
    [
        ("53100", True),
        ("25006", True),
        ("57P03", True),
        ("40P01", True),
        ("54000", False),
        ("22001", False),
        ("23514", False),
    ],
)
def test_an_error_of_the_server_is_an_outage_or_a_refusal(
    backend: DatabaseResults, make_result: MakeResult, alias: str, state: str, is_passing: bool
) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$;"
            f"CREATE TRIGGER refuse BEFORE INSERT ON {Task._meta.db_table} EXECUTE FUNCTION refuse()"
        )
    with pytest.raises((ResultBackendUnavailable, DatabaseError)) as caught:
        backend.save_many([make_result()])
    assert isinstance(caught.value, ResultBackendUnavailable) is is_passing


def test_a_missing_table_is_unavailable(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    def rename(old: str, new: str) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename(Task._meta.db_table, "away")
    with pytest.raises(ResultBackendUnavailable):
        backend.save_many([make_result()])
    rename("away", Task._meta.db_table)
    assert len(backend.save_many([make_result()])) == 1


@only_postgresql
def test_two_writers_of_the_same_tasks_agree(backend: DatabaseResults, make_result: MakeResult, alias: str) -> None:
    ids = [new_id() for _ in range(200)]
    changed: list[str] = []
    errors: list[BaseException] = []

    def write(number: int) -> None:
        stopped = START + timedelta(seconds=number)
        order = ids if number % 2 else ids[::-1]
        try:
            changed.extend(backend.save_many([make_result(id=task_id, stopped=stopped) for task_id in order]))
        except BaseException as error:
            errors.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(changed) == sorted(ids)


def test_prune_keeps_the_newest_successes_and_every_failure(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    backend.save_many([make_result(n, stopped=START + timedelta(seconds=n)) for n in range(10)])
    backend.save_many([make_result("old", success=False, stopped=START - timedelta(days=1))])
    with CaptureQueriesContext(connections[alias]) as queries:
        backend.prune(3)
    assert sorted(Task.objects.filter(success=True).values_list("result", flat=True)) == [7, 8, 9]
    assert Task.objects.filter(success=False).count() == 1
    assert len([query for query in queries.captured_queries if "DELETE" in query["sql"]]) == 1
    backend.prune(3)
    assert Task.objects.count() == 4


@only_sqlite
def test_prune_is_not_refused_where_somebody_writes_meanwhile(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = wal")
    backend.save_many([make_result(n, stopped=START + timedelta(seconds=n)) for n in range(10)])

    def write(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE"):
            with closing(sqlite3.connect(connections[alias].settings_dict["NAME"])) as another:
                another.execute("UPDATE djq_core_task SET func = 'another.one'")
                another.commit()
        return execute(sql, *rest)

    with connections[alias].execute_wrapper(write):
        backend.prune(3)
    assert list(Task.objects.values_list("func", flat=True)) == ["another.one"] * 3


@only_sqlite
def test_prune_finds_what_it_keeps_by_an_index(backend: DatabaseResults, alias: str) -> None:
    with CaptureQueriesContext(connections[alias]) as queries:
        backend.prune(3)
    (select,) = [query["sql"] for query in queries.captured_queries if query["sql"].startswith("SELECT")]
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {select}")
        steps = [row[3] for row in cursor.fetchall()]
    assert steps == ["SEARCH djq_core_task USING COVERING INDEX djq_task_success (success=?)"]


def test_the_newest_unreadable_packages_are_kept_and_nothing_else_is_touched(
    backend: DatabaseResults, make_result: MakeResult
) -> None:
    moments = [START + timedelta(seconds=n) for n in range(10)]
    backend.save_many([make_result(n, success=False, func=UNREADABLE, stopped=each) for n, each in enumerate(moments)])
    backend.save_many([make_result("old", success=False, stopped=START - timedelta(days=1))])
    backend.save_many([make_result("older", stopped=START - timedelta(days=2))])
    for _ in range(2):
        backend.prune_unreadable(3)
        assert sorted(map(str, Task.objects.values_list("result", flat=True))) == ["7", "8", "9", "old", "older"]


def test_groups(backend: DatabaseResults, make_result: MakeResult) -> None:
    moments = [START + timedelta(seconds=n) for n in (3, 1, 2)]
    backend.save_many([make_result(n, group="g", started=moment) for n, moment in enumerate(moments)])
    backend.save_many([make_result("no", success=False, group="g"), make_result(7, group="other")])
    assert backend.get_group_results("g") == [1, 2, 0]
    assert backend.get_group_results("g", failures=True) == ["no", 1, 2, 0]
    assert [task.result for task in backend.get_group("g", failures=False)] == [1, 2, 0]
    assert (backend.count_group("g"), backend.count_group("g", failures=True)) == (4, 1)
    assert backend.get_group("g").exclude(success=False).count() == 3
    assert backend.delete_group("g") == 4
    assert (backend.count_group("g"), Task.objects.count()) == (0, 5)
    assert backend.delete_group("other", tasks=True) == 1
    assert backend.delete_group("no such group") == 0
    assert Task.objects.count() == 4


def test_delete(backend: DatabaseResults, make_result: MakeResult) -> None:
    result: Any = make_result(name="gone")
    backend.save_many([result])
    assert backend.delete("gone")
    assert not backend.delete(result.package.id)
