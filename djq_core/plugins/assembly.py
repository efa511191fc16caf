"""From the plugins one by one to the registry of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pluggy import PluginManager

from djq_core.conf import CORE_KEYS
from djq_core.plugins.hooks import Hooks
from djq_core.plugins.offers import KINDS, Kind, Offers
from djq_core.plugins.records import PluginRecord
from djq_core.plugins.registry import Registry


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that was found: what is known of it, what it offers when it is loaded, what it collides with."""

    record: PluginRecord
    offers: Offers | None = None
    conflicts: tuple[str, ...] = ()


def assemble(manager: PluginManager, found: Sequence[Found]) -> Registry:
    """Return the registry of all plugins; of two that offer the same the first one counts, and that is a conflict."""
    offering = [(each.record, each.offers) for each in found if each.offers]
    return Registry(
        plugins=tuple(each.record for each in found),
        hooks=Hooks(manager),
        settings=tuple(setting for _, offers in offering for setting in offers.settings),
        conflicts=(
            *(conflict for each in found for conflict in each.conflicts),
            *(conflict for kind in KINDS for conflict in _doubled(kind, offering)),
            *_doubled_keys([record for record, _ in offering]),
        ),
        **{kind.plural: _by_key(kind, offering) for kind in KINDS},
    )


def _by_key(kind: Kind, offering: Iterable[tuple[PluginRecord, Offers]]) -> dict[str, type[Any]]:
    classes: dict[str, type[Any]] = {}
    for _, offers in offering:
        for offered in offers.classes[kind.plural]:
            classes.setdefault(kind.key_of(offered), offered)
    return classes


def _doubled(kind: Kind, offering: Iterable[tuple[PluginRecord, Offers]]) -> Iterator[str]:
    owners: dict[str, PluginRecord] = {}
    for record, offers in offering:
        for key in map(kind.key_of, offers.classes[kind.plural]):
            if key in owners:
                yield f"{owners[key]} and {record} both offer the {kind.word} {key!r}."
            owners.setdefault(key, record)


def _doubled_keys(records: Iterable[PluginRecord]) -> Iterator[str]:
    owners: dict[str, PluginRecord] = {}
    for record in records:
        for key in record.keys:
            if key in CORE_KEYS:
                yield f"{record} claims the key {key!r}, which is djq-core's own."
            elif owners.setdefault(key, record).distribution != record.distribution:
                yield f"{owners[key]} and {record} both claim the key {key!r}."
