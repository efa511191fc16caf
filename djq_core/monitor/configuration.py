"""The configuration in force, without any secret (manual 1.10.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from djq_core.conf import KEYS, AllowList, Backoff
from djq_core.plugins.masking import HIDDEN, masked, plain, shown

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

_ALT: Final = "ALT_CLUSTERS"
_REPORTERS: Final = "error_reporter"


def configuration(runtime: Runtime) -> dict[str, Any]:
    """Return every key of ``Q_CLUSTER`` with the value in force, as JSON has it.

    Shown as ``********`` are the settings that a plugin calls secret, whatever is named like a secret, user and
    password in a URI, everything that error reporters are given, and ``SECRET_KEY`` wherever it occurs. The hook
    ``djq_redact`` is asked first.
    """
    conf = runtime.conf
    keys = {"SECRET_KEY": [conf.secret_key, *conf.secret_key_fallbacks]}
    return {key: _masked(value, keys) for key, value in _all(runtime)}


def _all(runtime: Runtime) -> Iterator[tuple[str, Any]]:
    conf = runtime.conf
    for key in KEYS.values():
        if key.name not in (_ALT, _REPORTERS):
            yield key.name, _shown(runtime, key.name, getattr(conf, key.attribute))
    yield _REPORTERS, {name: dict.fromkeys(settings, HIDDEN) for name, settings in conf.error_reporter.items()}
    for name, value in {**_defaults(runtime), **conf.plugin_settings}.items():
        yield name, _shown(runtime, name, value)
    yield _ALT, {name: _entry(runtime, entry) for name, entry in conf.alt_clusters.items()}


def _defaults(runtime: Runtime) -> dict[str, Any]:
    return {setting.name: setting.default for setting in runtime.registry.settings}


def _entry(runtime: Runtime, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): dict.fromkeys(value, HIDDEN) if key == _REPORTERS else _shown(runtime, str(key), value)
        for key, value in entry.items()
    }


def _shown(runtime: Runtime, key: str, value: object) -> Any:
    replaced = runtime.hooks.redact(key, value)
    if replaced is not None:
        return replaced
    if value is not None and _is_declared_secret(runtime, key):
        return HIDDEN
    if isinstance(value, AllowList):
        return sorted([*value.paths, *(f"{home}.*" for home in value.homes)])
    if isinstance(value, Backoff):
        return value.plain()
    return plain(str(value) if key == "label" else value) if key in KEYS else shown(key, value)


def _is_declared_secret(runtime: Runtime, key: str) -> bool:
    return any(setting.secret for setting in runtime.registry.settings if setting.name == key)


def _masked(value: Any, keys: Mapping[str, Any]) -> Any:
    """Return a value without the texts of these keys, at any depth."""
    if isinstance(value, str):
        return masked(value, keys)
    if isinstance(value, Mapping):
        return {masked(key, keys): _masked(each, keys) for key, each in value.items()}
    return [_masked(each, keys) for each in value] if isinstance(value, list) else value
