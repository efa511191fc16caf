"""What is peculiar to results in MariaDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections

from djq_core.envelope import new_id
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.models import Task
from djq_core.results.database import DatabaseResults
from tests.results.conftest import START, MakeResult
from tests.services.mariadb import MariaServer

pytestmark = [
    pytest.mark.usefixtures("alias"),
    pytest.mark.parametrize("alias", ["mariadb"], indirect=True),
]
MEBI = 1024 * 1024


@pytest.fixture
def backend() -> DatabaseResults:
    return DatabaseResults()


@contextmanager
def packets_of(server: MariaServer, size: int) -> Iterator[None]:
    """Let connections that are made from now on send no larger statement."""
    ((usual,),) = server.execute("SELECT @@max_allowed_packet")
    server.execute(f"SET GLOBAL max_allowed_packet = {size}")
    connections["results"].close()
    try:
        yield
    finally:
        server.execute(f"SET GLOBAL max_allowed_packet = {usual}")
        connections["results"].close()


def test_a_row_that_the_server_cannot_take_is_refused_and_no_outage(
    backend: DatabaseResults, make_result: MakeResult, mariadb_server: MariaServer
) -> None:
    with packets_of(mariadb_server, MEBI):
        with pytest.raises(DatabaseError, match="max_allowed_packet") as caught:
            backend.save_many([make_result(), make_result("x" * MEBI)])
        assert not isinstance(caught.value, ResultBackendUnavailable)
        assert len(backend.save_many([make_result()])) == 1
    assert Task.objects.count() == 1


def test_a_batch_that_is_too_large_for_a_statement_comes_in_several(
    backend: DatabaseResults, make_result: MakeResult, mariadb_server: MariaServer
) -> None:
    with packets_of(mariadb_server, MEBI):
        assert len(backend.save_many([make_result("x" * 300_000) for _ in range(7)])) == 7
    assert [len(task.result) for task in Task.objects.all()] == [300_000] * 7


def test_a_batch_whose_names_make_a_statement_too_large_comes_in_several(
    backend: DatabaseResults, make_result: MakeResult, mariadb_server: MariaServer
) -> None:
    texts = {"name": 100, "func": 256, "hook": 256, "group": 100}
    wide = {name: "\N{OCTOPUS}" * length for name, length in texts.items()}
    with packets_of(mariadb_server, MEBI):
        assert len(backend.save_many([make_result("x" * 6_000, **wide) for _ in range(100)])) == 100


def test_a_text_that_does_not_fit_its_column_is_refused(
    backend: DatabaseResults, make_result: MakeResult, alias: str
) -> None:
    with pytest.raises(DatabaseError) as caught:
        backend.save_many([make_result(), make_result(group="g" * 101)])
    assert not isinstance(caught.value, ResultBackendUnavailable)
    assert Task.objects.count() == 0


@pytest.mark.parametrize(
    ("number", "is_passing"),
    [(1021, True), (1114, True), (1205, True), (1213, True), (1290, True), (1118, False), (1153, False), (1406, False)],
)
def test_an_error_of_the_server_is_an_outage_or_a_refusal(
    backend: DatabaseResults, make_result: MakeResult, alias: str, number: int, is_passing: bool
) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON {Task._meta.db_table} FOR EACH ROW "
            f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'refused'"
        )
    with pytest.raises((ResultBackendUnavailable, DatabaseError)) as caught:
        backend.save_many([make_result()])
    assert isinstance(caught.value, ResultBackendUnavailable) is is_passing


def test_a_lost_connection_is_unavailable_once(
    backend: DatabaseResults, make_result: MakeResult, alias: str, mariadb_server: MariaServer
) -> None:
    backend.save_many([make_result()])
    mariadb_server.end_connections(connections[alias].settings_dict["NAME"])
    with pytest.raises(ResultBackendUnavailable):
        backend.save_many([make_result()])
    assert len(backend.save_many([make_result()])) == 1


def test_groups_and_names_that_are_nearly_alike_are_two(backend: DatabaseResults, make_result: MakeResult) -> None:
    backend.save_many([make_result(1, group="mail", name="A"), make_result(2, group="Mail", name="a")])
    backend.save_many([make_result(3, group="maïl", name="ä"), make_result(4, group="mail ", name="😀")])
    assert backend.get_group_results("mail") == [1]
    assert backend.count_group("Mail") == 1
    assert [getattr(backend.get(name), "result", None) for name in ("A", "a", "ä", "😀")] == [1, 2, 3, 4]
    assert backend.delete_group("mail", tasks=True) == 1


def write(ids: list[str], number: int, make_result: MakeResult) -> list[str]:
    """Save results of another moment for the same tasks, again where the server ends one of two that wait."""
    stopped = START + timedelta(seconds=number)
    order = ids if number % 2 else ids[::-1]
    results: list[Any] = [make_result(id=task_id, stopped=stopped) for task_id in order]
    for _ in range(50):
        try:
            return list(DatabaseResults().save_many(results))
        except ResultBackendUnavailable as error:
            if "Deadlock" not in str(error):
                raise
    raise AssertionError("nothing but deadlocks")


def together(acts: list[Any]) -> list[Any]:
    """Act in threads with connections of their own and return what each returned or raised."""
    outcome: list[Any] = []

    def run(act: Any) -> None:
        try:
            outcome.append(act())
        except BaseException as error:
            outcome.append(error)
        finally:
            connections["results"].close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def test_two_writers_of_the_same_tasks_agree(make_result: MakeResult, alias: str) -> None:
    ids = [new_id() for _ in range(100)]
    outcome = together([lambda number=number: write(ids, number, make_result) for number in range(4)])
    assert sorted(task_id for changed in outcome for task_id in changed) == sorted(ids)


@pytest.mark.parametrize("level", ["read committed", "repeatable read", None])
def test_writers_of_different_tasks_never_wait_for_each_other(
    make_result: MakeResult, alias: str, level: str | None
) -> None:
    connections[alias].close()
    connections[alias].settings_dict["OPTIONS"]["isolation_level"] = level

    def save() -> int:
        backend = DatabaseResults()
        return sum(len(backend.save_many([make_result() for _ in range(5)])) for _ in range(30))

    assert together([save] * 4) == [150] * 4
    connections[alias].close()
