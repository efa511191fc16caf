"""Find the installed plugins and load each one alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from importlib_metadata import EntryPoint
from importlib_metadata import entry_points as installed_entry_points
from pluggy import HookCaller, PluginManager, PluginValidationError

from djq_core import __version__
from djq_core.conf import Conf
from djq_core.exceptions import PluginError
from djq_core.plugins import builtin, legacy
from djq_core.plugins.assembly import Found, assemble
from djq_core.plugins.hooks import CORE, new_manager
from djq_core.plugins.known import did_you_mean
from djq_core.plugins.legacy import LEGACY_GROUP
from djq_core.plugins.offers import Offers, collect
from djq_core.plugins.records import PluginRecord
from djq_core.plugins.registry import Registry
from djq_core.plugins.specs import HookSpecs

logger = logging.getLogger("djq")

#: The entry-point group of djq's plugins.
GROUP: Final = "djq"

_WRAPPED: Final = "djq_execute"


def load(conf: Conf, *, entry_points: Iterable[EntryPoint] | None = None) -> Registry:
    """Return what the installed plugins offer, with a plugin manager of its own.

    Raises PluginError when two plugins offer the same, or when the configuration names one that is broken.
    ``entry_points`` takes the place of those that are installed.
    """
    registry = discover(conf, entry_points=entry_points)
    registry.raise_for_plugins(conf)
    return registry


def discover(conf: Conf, *, entry_points: Iterable[EntryPoint] | None = None) -> Registry:
    """Return what the installed plugins offer, broken and doubled ones included as such."""
    manager = new_manager()
    found = [_load_core(manager)]
    chosen = list(_installed() if entry_points is None else entry_points)
    for entry_point in _sorted(each for each in chosen if each.group != LEGACY_GROUP):
        found.append(_load_one(manager, entry_point, conf.disabled_plugins, [each.record for each in found]))
    for entry_point in _sorted(each for each in chosen if each.group == LEGACY_GROUP):
        found.append(_load_legacy(entry_point, conf.disabled_plugins, found))
    return assemble(manager, found)


def _installed() -> Iterable[EntryPoint]:
    everything = installed_entry_points()  # once: it reads the metadata of all distributions
    return [*everything.select(group=GROUP), *legacy.installed(everything)]


def _sorted(entry_points: Iterable[EntryPoint]) -> list[EntryPoint]:
    return sorted(entry_points, key=lambda entry_point: (entry_point.name, _record(entry_point).distribution))


def _record(entry_point: EntryPoint) -> PluginRecord:
    dist = entry_point.dist
    return PluginRecord(
        name=entry_point.name,
        distribution=dist.name if dist else "unknown distribution",
        version=dist.version if dist else "",
    )


def _load_core(manager: PluginManager) -> Found:
    record = PluginRecord(name=CORE, distribution="djq-core", version=__version__)
    return _loaded(record, manager, builtin)


def _load_one(
    manager: PluginManager, entry_point: EntryPoint, disabled: Sequence[str], earlier: Sequence[PluginRecord]
) -> Found:
    record = _record(entry_point)
    if any(record.goes_by(name) for name in disabled):
        return Found(replace(record, status="disabled"))
    if namesake := next((each for each in earlier if each.name == record.name and each.status != "disabled"), None):
        return Found(
            replace(record, status="broken", error=f"{namesake} has a plugin of this name too."),
            conflicts=(f"{namesake} and {record} both have a plugin named {record.name!r}.",),
        )
    try:
        return _loaded(record, manager, entry_point.load())
    except Exception as error:
        if manager.has_plugin(record.name):
            manager.unregister(name=record.name)
        return _broken(record, error)


def _load_legacy(entry_point: EntryPoint, disabled: Sequence[str], earlier: Sequence[Found]) -> Found:
    record = _record(entry_point)
    if any(record.goes_by(name) for name in disabled):
        return Found(replace(record, status="disabled"))
    if reason := legacy.superseded(record, earlier):
        return Found(replace(record, status="disabled", error=reason))
    try:
        return legacy.loaded(record, entry_point)
    except Exception as error:
        return _broken(record, error)


def _broken(record: PluginRecord, error: Exception) -> Found:
    logger.warning("Plugin %s of %s is broken: %s: %s", record.name, record, type(error).__name__, error)
    logger.debug("Plugin %s could not be loaded", record.name, exc_info=error)
    return Found(replace(record, status="broken", error=_told(error)))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"


def _loaded(record: PluginRecord, manager: PluginManager, plugin: Any) -> Found:
    if isinstance(plugin, type):
        raise PluginError(f"The entry point leads to the class {plugin.__qualname__}: give a module or an instance.")
    _check_marks(manager, plugin)
    manager.register(plugin, record.name)
    callers = manager.get_hookcallers(plugin) or []
    _check_hooks(manager, callers)
    offers = collect({caller.name: _functions(caller, plugin) for caller in callers})
    return Found(_described(record, offers, callers), offers)


def _described(record: PluginRecord, offers: Offers, callers: Sequence[HookCaller]) -> PluginRecord:
    return replace(
        record,
        hooks=tuple(sorted(caller.name for caller in callers)),
        keys=offers.keys,
        offers=offers.names,
        capabilities=offers.capabilities,
        settings=offers.settings,
    )


def _functions(caller: HookCaller, plugin: object) -> list[Callable[[], Any]]:
    return [impl.function for impl in caller.get_hookimpls() if impl.plugin is plugin]


def _check_marks(manager: PluginManager, plugin: object) -> None:
    for hook in _hook_names():
        if callable(getattr(plugin, hook, None)) and manager.parse_hookimpl_opts(plugin, hook) is None:
            raise PluginError(f"{hook} is not marked: put @djq_core.hookimpl above it.")


def _check_hooks(manager: PluginManager, callers: Sequence[HookCaller]) -> None:
    try:
        manager.check_pending()
    except PluginValidationError as error:
        unknown = [caller.name for caller in callers if not caller.has_spec()]
        told = [f"There is no hook {name!r}.{did_you_mean(name, _hook_names())}" for name in unknown]
        raise PluginError(" ".join(told)) from error
    for caller in callers:
        if caller.name != _WRAPPED and any(impl.wrapper or impl.hookwrapper for impl in caller.get_hookimpls()):
            raise PluginError(f"{caller.name} cannot be wrapped; only {_WRAPPED} can.")


def _hook_names() -> list[str]:
    return [name for name in dir(HookSpecs) if name.startswith("djq_")]
