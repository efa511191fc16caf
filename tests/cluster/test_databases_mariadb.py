"""The care of connections that PyMySQL has made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from djq_core.cluster.databases import is_closed, refresh_connections
from tests.services.mariadb import MariaServer


@pytest.fixture
def maria(mariadb_database: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    """Give the alias of an empty database of MariaDB."""
    connections.settings["maria"] = connections.configure_settings({"default": {}, "maria": mariadb_database})["maria"]
    with django_db_blocker.unblock():
        yield "maria"
        connections["maria"].close()
    del connections["maria"], connections.settings["maria"]


def test_pymysql_tells_that_its_connection_is_closed(mariadb_server: MariaServer) -> None:
    raw = mariadb_server.connect()
    assert not is_closed(raw)
    raw.close()
    assert is_closed(raw)


def test_a_connection_to_mariadb_that_was_closed_behind_django_s_back_is_made_again(maria: str) -> None:
    connections[maria].ensure_connection()
    connections[maria].connection.close()
    refresh_connections()
    with connections[maria].cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("is_noticed", [False, True])
def test_a_connection_that_mariadb_has_ended_is_made_again_once_it_was_noticed(
    maria: str, mariadb_server: MariaServer, is_noticed: bool
) -> None:
    connections[maria].ensure_connection()
    kept = connections[maria].connection
    mariadb_server.end_connections(connections[maria].settings_dict["NAME"])
    connections[maria].errors_occurred = is_noticed
    refresh_connections()
    assert (connections[maria].connection is kept) is not is_noticed


@pytest.mark.parametrize("depth", [1, 3])
def test_a_transaction_that_was_left_open_on_mariadb_is_undone(maria: str, depth: int) -> None:
    with connections[maria].cursor() as cursor:
        cursor.execute("CREATE TABLE noted (number int)")
        for _ in range(depth):
            transaction.atomic(using=maria).__enter__()
        cursor.execute("INSERT INTO noted VALUES (1)")
    refresh_connections()
    assert not connections[maria].in_atomic_block
    with connections[maria].cursor() as cursor:
        cursor.execute("SELECT @@autocommit, (SELECT count(*) FROM noted)")
        assert cursor.fetchone() == (1, 0)
