"""The contract of a broker for the queue in the database that the fixture ``known`` describes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connections, transaction

from djq_core.testing import BrokerContract
from djq_orm.broker import OrmBroker
from plugins.djq_orm.tests.conftest import ALIAS
from plugins.djq_orm.tests.setting_up import KnowDatabase


class OrmContract(BrokerContract):
    broker_class = OrmBroker

    @pytest.fixture
    def options(self, known: dict[str, Any]) -> dict[str, Any]:
        return {"orm": ALIAS}

    @pytest.fixture
    def transaction(self) -> Callable[[], AbstractContextManager[Any]]:
        return lambda: transaction.atomic(using=ALIAS)

    @pytest.fixture
    def before_fork(self) -> Callable[[], object]:
        return connections.close_all

    @pytest.fixture
    def process_setup(self, known: dict[str, Any]) -> Callable[[], object]:
        return KnowDatabase(ALIAS, known)
