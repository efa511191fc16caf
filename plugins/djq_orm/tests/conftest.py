"""The databases that the queue is tried on: real ones, committed to, seen by several connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from djq_core.brokers.base import BrokerSettings
from djq_orm.broker import OrmBroker
from djq_orm.options import OrmOptions

ALIAS = "queue"

MakeBroker = Callable[..., OrmBroker]


def sqlite_database(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }


@contextmanager
def configured(database: dict[str, Any]) -> Iterator[str]:
    """Let Django know a database under the alias ``queue``."""
    connections.settings[ALIAS] = connections.configure_settings({"default": {}, ALIAS: database})[ALIAS]
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS], connections.settings[ALIAS]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Give an entry of ``DATABASES`` for each database we have a dialect of."""
    if request.param == "sqlite":
        return sqlite_database(tmp_path / "queue.sqlite3")
    fixture = {"postgresql": "postgres_database", "mariadb": "mariadb_database"}[request.param]
    settings: dict[str, Any] = request.getfixturevalue(fixture)
    return settings


@pytest.fixture
def sqlite(tmp_path: Path) -> dict[str, Any]:
    return sqlite_database(tmp_path / "queue.sqlite3")


@pytest.fixture
def configure() -> Callable[[dict[str, Any]], AbstractContextManager[str]]:
    return configured


@contextmanager
def migrated(database: dict[str, Any], blocker: Any) -> Iterator[str]:
    with blocker.unblock(), configured(database):
        call_command("migrate", "djq_orm", database=ALIAS, verbosity=0)
        yield ALIAS


@pytest.fixture
def alias(database: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    """Give the alias of a migrated database, of each kind in turn."""
    with migrated(database, django_db_blocker) as name:
        yield name


@pytest.fixture
def sqlite_alias(sqlite: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    with migrated(sqlite, django_db_blocker) as name:
        yield name


@pytest.fixture
def postgres_alias(postgres_database: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    with migrated(postgres_database, django_db_blocker) as name:
        yield name


@pytest.fixture
def mariadb_alias(mariadb_database: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    with migrated(mariadb_database, django_db_blocker) as name:
        yield name


@pytest.fixture
def make_broker() -> Iterator[MakeBroker]:
    """Give a maker of brokers for the alias ``queue``; they are closed at the end."""
    made: list[OrmBroker] = []

    def make(list_key: str = "main", **settings: Any) -> OrmBroker:
        made.append(OrmBroker(BrokerSettings(list_key=list_key, options=OrmOptions(orm=ALIAS), **settings)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def broker(alias: str, make_broker: MakeBroker) -> OrmBroker:
    """Give a broker on each kind of database in turn."""
    return make_broker()
