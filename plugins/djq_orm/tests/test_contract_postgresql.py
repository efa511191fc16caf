"""The contract of a broker, on a PostgreSQL server that is killed now and then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plugins.djq_orm.tests.conftest import migrated
from plugins.djq_orm.tests.contract import OrmContract
from tests.services import postgres
from tests.services.killable import Killable, killable

WAITS = "a paused PostgreSQL keeps its clients waiting: time-outs are OPTIONS of the site's own connection"


@pytest.fixture(scope="module")
def server_of_module() -> Iterator[Killable]:
    with killable(postgres.running) as server:
        yield server


@pytest.fixture(scope="module")
def known(server_of_module: Killable, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Give the entry of ``DATABASES`` that all tests share: each has queues of its own."""
    database = server_of_module.new_database()
    with migrated(database, django_db_blocker):
        yield database


class TestOrmBroker(OrmContract):
    dropped = {
        "test_a_paused_server_is_an_error_in_time": WAITS,
        "test_the_same_broker_works_after_a_pause": WAITS,
    }

    @pytest.fixture
    def server(self, server_of_module: Killable) -> Killable:
        return server_of_module
