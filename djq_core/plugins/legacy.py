"""Error reporters that were written for Django-Q: found by its entry-point group, or by the name of their distribution.

The two that Django-Q itself knew declare nothing: it was Django-Q that had their entry points (manual 1.12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from importlib_metadata import EntryPoint, EntryPoints, PackageNotFoundError, distribution

from djq_core.exceptions import PluginError
from djq_core.phrases import Phrase
from djq_core.plugins.assembly import Found
from djq_core.plugins.offers import KINDS, Offers
from djq_core.plugins.records import PluginRecord
from djq_core.reporters.legacy import DjangoQRollbar, DjangoQSentry, LegacyReporter

#: The entry-point group of Django-Q: the name is the key in ``error_reporter``, the value leads to a class.
LEGACY_GROUP: Final = "djangoq.errorreporters"

_REPORTERS: Final = "error_reporters"
#: What stands in no metadata: the key and the class of a distribution.
_UNDECLARED: Final = MappingProxyType(
    {
        "django-q-rollbar": ("rollbar", "django_q_rollbar:Rollbar"),
        "django-q-sentry": ("sentry", "django_q_sentry:Sentry"),
    }
)
#: What djq does for them that Django-Q did, or they do not.
_BASES: Final[Mapping[str, type[LegacyReporter]]] = MappingProxyType(
    {"django_q_rollbar:Rollbar": DjangoQRollbar, "django_q_sentry:Sentry": DjangoQSentry}
)


def installed(declared: EntryPoints) -> Iterator[EntryPoint]:
    """Yield the reporters of Django-Q that are installed here, and those of all entry points that are in its group."""
    for name, (key, value) in _UNDECLARED.items():
        try:
            yield _declared_for(distribution(name), key, value)
        except PackageNotFoundError:
            continue
    for entry_point in declared.select(group=LEGACY_GROUP):
        if entry_point.value.partition(" ")[0] not in _BASES:  # Django-Q names these two, installed or not
            yield entry_point


def _declared_for(dist: Any, key: str, value: str) -> EntryPoint:
    entry_point = EntryPoint(key, value, LEGACY_GROUP)
    vars(entry_point).update(dist=dist)
    return entry_point


def loaded(record: PluginRecord, entry_point: EntryPoint) -> Found:
    """Return the reporter of an entry point as a plugin that offers it; raises what its import raises."""
    made_by = entry_point.load()
    if not callable(made_by) or not callable(getattr(made_by, "report", None)):
        raise PluginError(f"{entry_point.value} is no class with a method report().")
    own: dict[str, Any] = {"name": record.name, "made_by": staticmethod(made_by), "__module__": made_by.__module__}
    reporter = type(made_by.__name__, (_BASES.get(entry_point.value, LegacyReporter),), own)
    classes: dict[str, tuple[type[Any], ...]] = {kind.plural: () for kind in KINDS}
    offers = Offers(classes=classes | {_REPORTERS: (reporter,)}, settings=())
    return Found(replace(record, offers=offers.names), offers)


def superseded(record: PluginRecord, earlier: Iterable[Found]) -> Phrase | None:
    """Return why a reporter of Django-Q is not used: a plugin of djq offers one of this name. None where it is."""
    for other in (found.record for found in earlier if found.record.status == "loaded"):
        if record.name in other.offers.get(_REPORTERS, ()) and "djq_register_error_reporters" in other.hooks:
            return Phrase(
                "not used: {other} offers the error reporter {name!r} too. With {distribution!r} in `disabled_plugins` "
                "this one takes its place.",
                other=str(other),
                name=record.name,
                distribution=other.distribution,
            )
    return None
