"""The cache: whether statistics, and results that are kept there, are seen by all processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.utils.translation import gettext as _

from djq_core.brokers import Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.monitor.secrets import error_text
from djq_core.monitor.statistics import cache_flaw

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def look(runtime: Runtime) -> Iterator[Finding]:
    """Return whether the cache is of use to several processes; it hardly matters where the broker keeps statistics."""
    alias = runtime.conf.cache
    is_needed = not runtime.conf.sync and not runtime.shared_broker().shares_stats
    try:
        flaw = cache_flaw(alias, probes=True)
    except Exception as error:  # whatever the client of a cache raises
        yield _away(alias, error)
        return
    if not flaw:
        yield Finding(code="cache", message=_("The cache %(alias)r keeps what it is given.") % {"alias": alias})
        return
    meaning = (
        _("Nobody sees which clusters run, and results with `cached` are lost.")
        if is_needed
        else _("Results with `cached` are lost.")
    )
    yield Finding(
        level=ERROR if is_needed else WARNING,
        code="cache",
        message=f"{flaw} {meaning}",
        remedy=_(
            "Set `cache` to an entry of CACHES that all processes share, such as Redis, Memcached or the database."
        ),
    )


def _away(alias: str, error: Exception) -> Finding:
    message = _("The cache %(alias)r does not answer: %(error)s") % {"alias": alias, "error": error_text(error)}
    meaning = _("Clusters that have a result for it save no result and fetch no task until it does.")
    remedy = (
        _("Make its table: python manage.py createcachetable. If it is there, see that the database answers.")
        if isinstance(error, DatabaseError)
        else _("Start its server, or correct its entry in CACHES.")
    )
    return Finding(level=ERROR, code="cache", message=f"{message.rstrip('.')}. {meaning}", remedy=remedy)
