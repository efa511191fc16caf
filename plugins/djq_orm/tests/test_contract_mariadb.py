"""The contract of a broker, on a MariaDB server that is killed and paused now and then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plugins.djq_orm.tests.conftest import configured, migrated
from plugins.djq_orm.tests.contract import OrmContract
from tests.services import mariadb
from tests.services.killable import Killable, killable

#: What a site gives its connection so that nothing waits for ever; whole seconds.
TIME_OUTS = {"connect_timeout": 3, "read_timeout": 3, "write_timeout": 3}


@pytest.fixture(scope="module")
def server_of_module() -> Iterator[Killable]:
    with killable(mariadb.running) as server:
        yield server


@pytest.fixture(scope="module")
def known(server_of_module: Killable, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Give the entry of ``DATABASES`` that all tests share: each has queues of its own."""
    database = server_of_module.new_database()
    with migrated(database, django_db_blocker):
        pass
    hurried = {**database, "OPTIONS": {**database["OPTIONS"], **TIME_OUTS}}
    with django_db_blocker.unblock(), configured(hurried):
        yield hurried


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning", "ignore:Exception ignored in. <socket")
class TestOrmBroker(OrmContract):
    dropped = {"test_waiting_is_woken": "MariaDB has nothing that wakes: the queue is looked at every 0.2 s"}

    @pytest.fixture
    def server(self, server_of_module: Killable) -> Killable:
        return server_of_module
