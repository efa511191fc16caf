"""What is wrong with the plugins, and with the keys that are theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from djq_core.conf import CORE_KEYS, KNOWN_PLUGIN_KEYS, Problem
from djq_core.exceptions import ConfigurationError
from djq_core.plugins.choice import imported
from djq_core.plugins.known import KNOWN_REPORTERS, nearest
from djq_core.plugins.records import PluginRecord, normalized
from djq_core.plugins.reporting import missing_reporter

if TYPE_CHECKING:
    from djq_core.conf import Conf
    from djq_core.plugins.registry import Registry

_UNKNOWN_KEY: Final = "djq.E101"
_MISSING_PLUGIN: Final = "djq.E102"
_WRONG_TYPE: Final = "djq.E103"
_MISSING_REPORTER: Final = "djq.E104"
_CONFLICT: Final = "djq.E105"
_BROKEN: Final = "djq.E106"
_NOT_THERE: Final = "djq.W101"


def plugin_problems(registry: Registry, conf: Conf) -> list[Problem]:
    """Return collisions between plugins, broken ones that are named, and disabled ones that are not installed."""
    return [*_conflicts(registry), *_broken(registry, conf), *_not_there(registry, conf)]


def key_problems(registry: Registry, conf: Conf) -> list[Problem]:
    """Return what is wrong with the keys that are not core's own."""
    claimed = _claimed(registry, conf)
    unclaimed = [key for key in conf.plugin_settings if key not in claimed]
    return [
        *(problem for key in unclaimed for problem in _unclaimed(registry, claimed, key)),
        *_wrong_types(registry, conf),
        *_missing_reporters(registry, conf),
    ]


def _claimed(registry: Registry, conf: Conf) -> set[str]:
    claimed = {key for record in registry.plugins for key in record.keys}
    if conf.broker_class:
        try:
            claimed.update(imported(conf.broker_class).conf_keys)
        except ConfigurationError:
            pass  # told where the broker is chosen
    return claimed


def _unclaimed(registry: Registry, claimed: set[str], key: str) -> Iterator[Problem]:
    distribution = KNOWN_PLUGIN_KEYS.get(key)
    owner = next((each for each in registry.plugins if each.goes_by(distribution or key)), None)
    if distribution and owner is None:
        told = f"`{key}` needs {distribution}: pip install {distribution}"
        yield Problem(_MISSING_PLUGIN, key, told, "")
    elif owner and owner.status == "disabled":
        told = f"`{key}` belongs to {owner}, which `disabled_plugins` names."
        yield Problem(_MISSING_PLUGIN, key, told, "Remove one of the two.")
    elif owner is None or owner.status == "loaded":
        meant = nearest(key, [*CORE_KEYS, *KNOWN_PLUGIN_KEYS, *claimed])
        told = f"`{key}`: did you mean `{meant}`?" if meant else f"`{key}` is no key of Q_CLUSTER."
        yield Problem(_UNKNOWN_KEY, key, told, _perhaps_broken(registry))


def _perhaps_broken(registry: Registry) -> str:
    broken = [str(record) for record in registry.plugins if record.status == "broken"]
    return f"A broken plugin may own it: {', '.join(broken)} (manage.py djq plugins)." if broken else ""


def _wrong_types(registry: Registry, conf: Conf) -> Iterator[Problem]:
    for setting in registry.settings:
        if setting.name in conf.plugin_settings and not setting.accepts(value := conf.plugin_settings[setting.name]):
            told = f"`{setting.name}` must be {setting.type_name}, not {type(value).__name__}."
            yield Problem(_WRONG_TYPE, setting.name, told, setting.doc)


def _missing_reporters(registry: Registry, conf: Conf) -> Iterator[Problem]:
    for name in conf.error_reporter:
        if name not in registry.error_reporters and not _breaks(registry, name):
            yield Problem(_MISSING_REPORTER, "error_reporter", missing_reporter(registry, name), "")


def _breaks(registry: Registry, reporter: str) -> PluginRecord | None:
    return registry.broken(KNOWN_REPORTERS.get(reporter, reporter)) or registry.broken(reporter)


def _conflicts(registry: Registry) -> Iterator[Problem]:
    remedy = "Uninstall one of the two, or name it in Q_CLUSTER['disabled_plugins']."
    for conflict in registry.conflicts:
        yield Problem(_CONFLICT, "plugins", conflict, remedy)


def _broken(registry: Registry, conf: Conf) -> Iterator[Problem]:
    for record in registry.plugins:
        if record.status == "broken" and (key := _named_by(record, registry, conf)):
            told = f"The plugin {record.name!r} of {record} cannot be used, and `{key}` names it: {record.error}"
            yield Problem(_BROKEN, key, told, "")


def _named_by(record: PluginRecord, registry: Registry, conf: Conf) -> str | None:
    """Return the key by which the configuration names a plugin, None where it does not."""
    names: list[tuple[str, Any]] = [
        ("broker", conf.broker),
        ("serializer", conf.serializer),
        ("result_backend", conf.result_backend),
        *(("accept_serializers", tag) for tag in conf.accept_serializers or ()),
        *(("error_reporter", KNOWN_REPORTERS.get(name, name)) for name in conf.error_reporter),
        *(("error_reporter", name) for name in conf.error_reporter if name not in registry.error_reporters),
        *((key, KNOWN_PLUGIN_KEYS.get(key, key)) for key in conf.plugin_settings),
    ]
    return next((key for key, name in names if name and record.goes_by(name)), None)


def _not_there(registry: Registry, conf: Conf) -> Iterator[Problem]:
    for name in conf.disabled_plugins:
        if not any(record.goes_by(name) for record in registry.plugins):
            installed = ", ".join(record.name for record in registry.plugins)
            told = f"`disabled_plugins` names {normalized(name)!r}, which is not installed."
            yield Problem(_NOT_THERE, "disabled_plugins", told, f"Installed: {installed}.")
