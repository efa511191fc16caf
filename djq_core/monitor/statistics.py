"""Which clusters are alive, and whether anybody can know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.translation import gettext as _

from djq_core.brokers import Broker
from djq_core.cluster.status import Stat, StatStore
from djq_core.monitor.secrets import first_line

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClustersSeen:
    """The living clusters of a queue; ``error`` is why nobody can know of them, ``flaw`` that of their cache."""

    stats: tuple[Stat, ...] = ()
    error: str = ""
    flaw: str = ""

    @property
    def is_known(self) -> bool:
        """Can anybody know of them?"""
        return not self.why_unknown

    @property
    def why_unknown(self) -> str:
        """Why nobody can know of them, an empty text where somebody can."""
        return self.error or self.flaw


def living(runtime: Runtime, broker: Broker, name: str) -> ClustersSeen:
    """Read what the clusters of a queue have published, where its broker or the cache keeps that."""
    try:
        stats = tuple(StatStore(runtime, broker, name).get_all())
        flaw = "" if stats or broker.shares_stats else cache_flaw(runtime.conf.cache)
    except Exception as error:  # whatever the client of a cache, or of a broker, raises
        return ClustersSeen(error=first_line(error))
    return ClustersSeen(stats=stats, flaw=flaw)


def cache_flaw(alias: str, *, probes: bool = False) -> str:
    """Return why a cache is of no use to several processes, an empty text where it is; raises what a cache raises.

    With ``probes`` it is given something to keep, for a moment.
    """
    cache = caches[alias]
    if isinstance(cache, LocMemCache):
        return _("The cache %(alias)r is not shared between processes.") % {"alias": alias}
    if isinstance(cache, DummyCache) or (probes and not _keeps(cache)):
        return _("The cache %(alias)r keeps nothing.") % {"alias": alias}
    return ""


def unseen(alias: str) -> str:
    """Return why no cluster can be seen through this cache, an empty text where it may show them."""
    flaw = cache_flaw(alias)
    return f"{flaw} {_('No cluster can be seen: choose a cache that all processes share.')}" if flaw else ""


def _keeps(cache: BaseCache) -> bool:
    key, value = f"djq:probe:{uuid4().hex}", uuid4().hex
    cache.set(key, value, 10)
    kept: object = cache.get(key)
    cache.delete(key)
    return kept == value
