"""The keys of the plugin."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_orm.broker import OrmBroker
from djq_orm.options import OrmOptions


class WritesElsewhere:
    """A router that sends the queue to the primary."""

    def db_for_write(self, model: type, **hints: Any) -> str | None:
        return "primary" if model.__name__ == "OrmQ" else None

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return "replica"


def broker(options: OrmOptions) -> OrmBroker:
    return OrmBroker(BrokerSettings(options=options))


def test_without_keys_the_default_database_is_used() -> None:
    assert OrmBroker.read_options({}) == OrmOptions(orm="default", has_replica=False)
    assert OrmBroker().database == "default"


def test_keys_are_taken() -> None:
    assert OrmBroker.read_options({"orm": "default", "has_replica": True}) == OrmOptions(has_replica=True)


def test_an_unknown_alias_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"'defualt'.*Did you mean 'default'\?"):
        OrmBroker.read_options({"orm": "defualt"})


@pytest.mark.parametrize("keys", [{"orm": True}, {"orm": None}, {"orm": ["default"]}, {"has_replica": "yes"}])
def test_values_of_another_type_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"Q_CLUSTER\['{next(iter(keys))}'\]"):
        OrmBroker.read_options(keys)


def test_an_app_that_is_not_installed_is_told_before_the_first_task() -> None:
    installed = [name for name in settings.INSTALLED_APPS if name != "djq_orm"]
    with override_settings(INSTALLED_APPS=installed), pytest.raises(ConfigurationError, match="INSTALLED_APPS"):
        OrmBroker.read_options({"orm": "default"})


def test_options_are_frozen_and_pickle() -> None:
    options = OrmOptions(orm="other", has_replica=True)
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(AttributeError):
        options.orm = "default"  # type: ignore[misc]


@override_settings(DATABASE_ROUTERS=[WritesElsewhere()])
def test_with_a_replica_the_router_names_the_database_that_is_written_to() -> None:
    assert broker(OrmOptions(orm="default", has_replica=True)).database == "primary"
    assert broker(OrmOptions(orm="default")).database == "default"


@override_settings(DATABASE_ROUTERS=[])
def test_without_an_opinion_of_the_routers_the_alias_stands() -> None:
    assert broker(OrmOptions(orm="queue", has_replica=True)).database == "queue"
