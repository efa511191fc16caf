"""What iters and chains keep until they have ended: rows of :class:`djq_core.models.Part`.

A database keeps them, and not a cache, which may forget at any time, or count what two clusters write for one. Every
function raises ResultBackendUnavailable when the database cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import connections, router
from django.db.models import Max, QuerySet
from django.utils import timezone

from djq_core.models import Part
from djq_core.results.base import Stored
from djq_core.results.database import available
from djq_core.results.upsert import rounds, upsert

#: An iter that has got no part for so long never will: its tasks were purged.
FORGOTTEN: Final = timedelta(days=30)
#: How long it is remembered that an iter or a chain has ended, or that a link has run which is not kept.
NOTED: Final = timedelta(days=1)


def save(parts: Sequence[Part]) -> Mapping[str, Stored]:
    """Insert or update parts by the rule of tasks, and return those that changed something by id."""
    stored: dict[str, Stored] = {}
    with available(_alias()) as connection:
        for each in rounds(parts):
            stored |= upsert(connection, each)
    return stored


def give_up(part_ids: Sequence[str]) -> None:
    """Note that these parts are the last word: no other attempt follows, or no other link."""
    if part_ids:
        with available(_alias()):
            _parts().filter(pk__in=part_ids).update(is_final=True)


def collect(whole: str, count: int) -> Sequence[Part]:
    """Return the parts of an iter in order once all ``count`` are there, none before.

    The last one is looked for first: while it is missing, which is most of the time, nothing needs to be counted.
    """
    with available(_alias()):
        parts = _parts().filter(whole=whole)
        if not parts.filter(number=count - 1).exists() or parts.count() < count:
            return []
        found = list(parts.order_by("number"))
    return found if len(found) == count else []


def drop(whole: str) -> None:
    """Delete the parts of an iter that is done with, and note that, for results that come a second time."""
    with available(_alias()):
        _parts().filter(whole=whole).delete()
        save([Part(id=whole, whole=whole, stopped=timezone.now(), success=True)])
        _delete_old_notes()


def done_with(wholes: Iterable[str]) -> set[str]:
    """Return those of these iters whose parts were dropped lately."""
    with available(_alias()):
        return set(_parts().filter(pk__in=set(wholes)).values_list("pk", flat=True))


def pass_on(links: Sequence[Part]) -> set[str]:
    """Note links that succeeded and are kept nowhere else; return the ids of those that were not noted before.

    One that was noted by a save that was cut off, and so ended at the same moment, is returned again, unless the
    caller's transaction holds the save.
    """
    if not links:
        return set()
    is_joined = connections[_alias()].in_atomic_block
    passed = set(save(links))
    if any(link.is_final for link in links):
        _delete_old_notes()
    missing = {link.pk: link.stopped for link in links if link.pk not in passed}
    if missing and not is_joined:
        known = _parts().filter(pk__in=missing, success=True).values_list("pk", "stopped")
        passed |= {pk for pk, stopped in known if missing[pk] == stopped}
    return passed


def note_end(link: Part) -> None:
    """Note that a chain has ended with this link."""
    with available(_alias()):
        _delete_old_notes()
        save([link])
        give_up([link.pk])


def forget(part_id: str) -> None:
    """Take back that a chain has ended with this link."""
    with available(_alias()):
        _parts().filter(pk=part_id).delete()


def has_ended(chain_id: str) -> bool:
    """Is it noted that this chain has ended?"""
    return _parts().filter(whole=chain_id, result__isnull=True, is_final=True).exists()


def is_noted(link_id: str) -> bool:
    """Is there a note of this link: that it has succeeded, or ended its chain?"""
    with available(_alias()):
        return bool(_parts().filter(pk=link_id).exists())


def sweep() -> None:
    """Delete what nobody asks for any more."""
    with available(_alias()):
        _delete_old_notes()
        last = _parts().filter(result__isnull=False).values("whole").annotate(last=Max("stopped"))
        forgotten = list(last.filter(last__lt=timezone.now() - FORGOTTEN).values_list("whole", flat=True))
        for whole in forgotten:
            _parts().filter(whole=whole).delete()


def _delete_old_notes() -> None:
    _parts().filter(result__isnull=True, stopped__lt=timezone.now() - NOTED).delete()


def _alias() -> str:
    return router.db_for_write(Part)


def _parts() -> QuerySet[Any]:
    return Part._base_manager.using(_alias())
