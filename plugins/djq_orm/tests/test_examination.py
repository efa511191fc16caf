"""What the settings of a database mean for the queue, and what the doctor of core says of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.db import connections
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.test import override_settings

from djq_core import current
from djq_core.brokers import BrokerSettings
from djq_core.brokers.finding import Finding
from djq_core.monitor.doctor import databases
from djq_orm.broker import OrmBroker
from djq_orm.options import OrmOptions
from plugins.djq_orm.tests.conftest import ALIAS, MakeBroker

Configure = Callable[[dict[str, Any]], AbstractContextManager[str]]


def codes(findings: list[Finding]) -> dict[str, str]:
    return {finding.code: finding.level for finding in findings}


def test_a_healthy_database_is_said_to_be_so(broker: OrmBroker) -> None:
    vendor = connections[ALIAS].vendor
    expected = {"sqlite": {"orm-journal", "orm-transactions"}, "mysql": {"orm-engine", "orm-packet"}}
    broker.receive(1, 0)
    found = codes(broker.examine())
    assert set(found) == expected.get(vendor, set())
    assert set(found.values()) <= {"ok"}
    assert (broker.clock() is None) is (vendor == "sqlite")


def test_a_table_of_another_engine_is_an_error(mariadb_alias: str, make_broker: MakeBroker) -> None:
    with connections[mariadb_alias].cursor() as cursor:
        cursor.execute("ALTER TABLE djq_orm_ormq ENGINE = MyISAM")
    found = {finding.code: finding for finding in make_broker().examine()}
    assert found["orm-engine"].level == "error"
    assert "ENGINE = InnoDB" in found["orm-engine"].remedy


def test_sqlite_before_its_first_cluster_and_without_immediate_transactions(
    sqlite: dict[str, Any], configure: Configure, django_db_blocker: Any
) -> None:
    plain = {**sqlite, "OPTIONS": {}}
    with django_db_blocker.unblock(), configure(plain):
        broker = OrmBroker(BrokerSettings(options=OrmOptions(orm=ALIAS)))
        assert codes(broker.examine()) == {"orm-journal": "warning", "orm-transactions": "warning"}


def test_a_level_of_isolation_at_which_clusters_fail_each_other(
    postgres_database: dict[str, Any], configure: Configure, django_db_blocker: Any
) -> None:
    strict = {**postgres_database, "OPTIONS": {"isolation_level": IsolationLevel.SERIALIZABLE}}
    with (
        django_db_blocker.unblock(),
        configure(strict),
        override_settings(Q_CLUSTER={"name": "tests", "orm": ALIAS}, DATABASE_ROUTERS=[f"{__name__}.Queue"]),
    ):
        found = {each.code: each for each in databases.look(current.runtime())}
    assert found["database-isolation"].level == "warning"
    assert "serializable" in found["database-isolation"].message
    assert "READ COMMITTED" in found["database-isolation"].remedy
    assert "djq_core.0001_initial" in found["database-migrations"].message
    assert "djq_orm.0001_initial" in found["database-migrations"].message


class Queue:
    """Sends everything to the database of the queue."""

    def db_for_read(self, model: object, **hints: Any) -> str:
        return ALIAS

    db_for_write = db_for_read
