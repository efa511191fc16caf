"""The contract of a broker, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plugins.djq_orm.tests.conftest import migrated, sqlite_database
from plugins.djq_orm.tests.contract import OrmContract


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Give the entry of ``DATABASES`` that all tests share: each has queues of its own."""
    database = sqlite_database(tmp_path_factory.mktemp("queue") / "queue.sqlite3")
    with migrated(database, django_db_blocker):
        yield database


class TestOrmBroker(OrmContract):
    pass
