"""Trouble of a database; a server that goes away is in the contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections, transaction

from djq_core.exceptions import BrokerError
from djq_orm.broker import OrmBroker

MakeBroker = Callable[..., OrmBroker]


class TestSQLite:
    def test_a_lock_held_too_long_names_the_remedy(
        self, sqlite_alias: str, sqlite: dict[str, Any], make_broker: MakeBroker
    ) -> None:
        connections[sqlite_alias].close()
        connections[sqlite_alias].settings_dict["OPTIONS"]["timeout"] = 0.1
        broker = make_broker()
        assert broker.receive(1, 0) == []
        other = sqlite3.connect(sqlite["NAME"], isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            for call in (lambda: broker.enqueue("a"), lambda: broker.dequeue()):
                with pytest.raises(BrokerError, match="transaction_mode"):
                    call()
            other.execute("ROLLBACK")
        finally:
            other.close()
        broker.enqueue("a")
        assert [delivery.package for delivery in broker.receive(1, 0)] == ["a"]

    def test_the_file_gets_its_write_ahead_log(self, sqlite_alias: str, make_broker: MakeBroker) -> None:
        make_broker().receive(1, 0)
        with connections[sqlite_alias].cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)

    def test_a_refused_write_ahead_log_is_logged(
        self, sqlite_alias: str, sqlite: dict[str, Any], make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        connections[sqlite_alias].close()
        connections[sqlite_alias].settings_dict["OPTIONS"]["timeout"] = 0.1
        other = sqlite3.connect(sqlite["NAME"], isolation_level=None)
        try:
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM djq_orm_ormq").fetchall()
            make_broker().queue_size()
            broker = make_broker()
            with caplog.at_level("WARNING", logger="djq"):
                other.execute("COMMIT")
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(BrokerError):
                    broker.receive(1, 0)
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert "journal_mode=WAL" in caplog.text
        assert broker.receive(1, 0) == []


class TestTransactions:
    def test_a_broken_transaction_stays_the_callers(self, sqlite_alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker()

        def break_and_send() -> None:
            with transaction.atomic(using="queue"):
                with connections["queue"].cursor() as cursor, pytest.raises(OperationalError):
                    cursor.execute("SELECT * FROM nowhere")
                transaction.set_rollback(True, using="queue")
                broker.enqueue("ghost")

        with pytest.raises(BrokerError):
            break_and_send()
        assert broker.queue_size() == 0


def test_a_missing_table_names_the_command(sqlite_alias: str, make_broker: MakeBroker, tmp_path: Path) -> None:
    call_command("migrate", "djq_orm", "zero", database=sqlite_alias, verbosity=0)
    with pytest.raises(BrokerError, match="migrate --database=queue"):
        make_broker().enqueue("a")


@pytest.fixture(params=["postgres_alias", "mariadb_alias"])
def server_alias(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_a_missing_table_names_the_command_on_a_server(server_alias: str, make_broker: MakeBroker) -> None:
    call_command("migrate", "djq_orm", "zero", database=server_alias, verbosity=0)
    with pytest.raises(BrokerError, match="migrate --database=queue"):
        make_broker().enqueue("a")
