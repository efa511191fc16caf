"""Which broker a configuration means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.utils.module_loading import import_string

from djq_core.brokers.base import Broker
from djq_core.exceptions import ConfigurationError, PluginError
from djq_core.plugins.known import KNOWN_BROKERS, nearest

if TYPE_CHECKING:
    from djq_core.conf import Conf
    from djq_core.plugins.registry import Registry

_REDIS: Final = "redis"
_ORM: Final = "orm"
_ORM_APP: Final = "djq_orm"


def broker_class(registry: Registry, conf: Conf) -> type[Broker]:
    """Return the class that the configuration chooses; raises ConfigurationError."""
    chosen = _chosen(registry, conf)
    return chosen.for_keys({key: value for key, value in conf.plugin_settings.items() if key in chosen.conf_keys})


def _chosen(registry: Registry, conf: Conf) -> type[Broker]:
    if conf.broker:
        return _named(registry, conf.broker)
    if conf.broker_class:
        return imported(conf.broker_class)
    registry.raise_for_keys(conf)
    return _owner_of_keys(registry, conf) or _default(registry)


def imported(path: str) -> type[Broker]:
    """Return the broker class of a dotted path (manual 1.2.26); raises ConfigurationError."""
    try:
        found = import_string(path)
    except ImportError as error:
        raise ConfigurationError(f"Q_CLUSTER['broker_class'] {path!r} cannot be imported: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Broker)):
        raise ConfigurationError(f"Q_CLUSTER['broker_class'] {path!r} is not a subclass of djq_core.brokers.Broker.")
    return found


def _named(registry: Registry, name: str) -> type[Broker]:
    if name in registry.brokers:
        return registry.brokers[name]
    raise ConfigurationError(
        f"No plugin offers the broker {name!r}. {_list(registry)} {_remedy(registry, name)}".strip()
    )


def _remedy(registry: Registry, name: str) -> str:
    disabled = [each for each in registry.plugins if each.status == "disabled" and each.goes_by(name)]
    if disabled:
        return f"{disabled[0]} is disabled by Q_CLUSTER['disabled_plugins']."
    if distribution := KNOWN_BROKERS.get(name):
        return f"It comes with {distribution}: pip install {distribution}"
    meant = nearest(name, [*registry.brokers, *KNOWN_BROKERS])
    if meant is None:
        return _perhaps_broken(registry)
    missing = (
        ""
        if meant in registry.brokers
        else f" It comes with {KNOWN_BROKERS[meant]}: pip install {KNOWN_BROKERS[meant]}"
    )
    return f"Did you mean {meant!r}?{missing}"


def _perhaps_broken(registry: Registry) -> str:
    broken = [str(record) for record in registry.plugins if record.status == "broken"]
    return f"A broken plugin may offer it: {', '.join(broken)} (manage.py djq plugins)." if broken else ""


def _owner_of_keys(registry: Registry, conf: Conf) -> type[Broker] | None:
    given = conf.plugin_settings
    meant = {key for key, value in given.items() if value is not None} or given  # None beside another key is "not this"
    owners = {
        name: key
        for name, broker in registry.brokers.items()
        for key in reversed(broker.choosing_keys or broker.conf_keys)
        if key in meant
    }
    if len(owners) > 1:
        told = " and ".join(f"{key!r} of the broker {name!r}" for name, key in sorted(owners.items()))
        raise ConfigurationError(f"Q_CLUSTER has {told}: keep one, or choose with the key 'broker'.")
    return next((registry.brokers[name] for name in owners), None)


def _default(registry: Registry) -> type[Broker]:
    if record := registry.broken(KNOWN_BROKERS[_REDIS]):
        raise PluginError(f"The default broker is Redis, and {record} cannot be used: {record.error}")
    if _REDIS in registry.brokers:
        return registry.brokers[_REDIS]
    if _ORM in registry.brokers and apps.is_installed(_ORM_APP):
        return registry.brokers[_ORM]
    raise ConfigurationError(
        f"Q_CLUSTER chooses no broker, and there is no default. {_list(registry)} {_advice(registry)}"
    )


def _advice(registry: Registry) -> str:
    if _ORM in registry.brokers:
        return f"For the ORM add {_ORM_APP!r} to INSTALLED_APPS; any other is chosen with its key, or with 'broker'."
    if registry.brokers:
        return "Choose one with its key, or with 'broker'."
    return "pip install djq-redis, or djq-orm for a queue in the site's own database."


def _list(registry: Registry) -> str:
    return f"Installed: {', '.join(sorted(registry.brokers)) or 'none'}."
