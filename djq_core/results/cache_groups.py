"""Which tasks belong to a group, in Django's cache, without reading and rewriting a list.

A group is a row of numbered slots and a counter. Who joins draws the next number and adds an entry under it; where a
cache cannot count atomically (the database cache) the ``add`` fails for the second of two and it draws again. The file
cache can do neither: there a group may miss members that joined in the same moment.
An entry names the task and whether it succeeded: a task that failed and then succeeded has two entries and is one
member. Slots expire with the tasks they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from django.core.cache import BaseCache, caches

from djq_core.envelope import GROUP, Signer
from djq_core.exceptions import BadPackageSignature

_CHUNK = 1000
#: How far behind the counter entries are looked for: a counter that is not atomic may lag behind its slots.
_AHEAD = 64
#: What expires and what stays are counted apart, so that a short time never ends the counter of what stays.
_FAMILIES = ("kept", "timed")
#: The counter of a group that expires outlives its last member by about this many seconds.
_DAY = 24 * 60 * 60
_TRIES = 1000
_SUCCEEDED = "+"
_FAILED = "-"


def key(kind: str, *names: object) -> str:
    """Return a cache key that every cache server takes, whatever the names hold."""
    return f"djq:{kind}:{blake2b(repr(names).encode(), digest_size=16).hexdigest()}"


def in_chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split what is read from the cache in one call."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


class CacheGroups:
    """The groups of one cache."""

    def __init__(self, alias: str, signer: Signer) -> None:
        self._alias = alias
        self._signer = signer

    @property
    def _cache(self) -> BaseCache:
        return caches[self._alias]

    def join(self, group: str, task_id: str, *, success: bool, seconds: int | None) -> None:
        """Make a task a member; ``seconds`` is how long it is kept, None for ever."""
        family, life = ("kept", None) if seconds is None else ("timed", max(seconds, _DAY))
        counter = key("counter", group, family)
        entry = self._signer.sign(GROUP, f"{key('group', group)}:{task_id}:{_SUCCEEDED if success else _FAILED}")
        for _ in range(_TRIES):
            self._cache.add(counter, 0, life)
            slot = key("slot", group, family, self._cache.incr(counter))
            if self._cache.add(slot, entry, seconds):
                break
        self._cache.touch(counter, life)

    def members(self, group: str) -> dict[str, bool]:
        """Return the ids of the members and whether each succeeded."""
        members: dict[str, bool] = {}
        for _, task_id, success in self._entries(group):
            members[task_id] = success or members.get(task_id, False)
        return members

    def leave(self, group: str, task_id: str) -> None:
        """Remove one member."""
        self._cache.delete_many([slot for slot, member, _ in self._entries(group) if member == task_id])

    def drop(self, group: str) -> None:
        """Forget the group."""
        slots = [slot for slot, _, _ in self._entries(group)]
        self._cache.delete_many([*slots, *(key("counter", group, family) for family in _FAMILIES)])

    def _entries(self, group: str) -> Iterator[tuple[str, str, bool]]:
        """Yield slot, task id and success of each entry that this site has signed for this group."""
        for chunk in in_chunks(self._slots(group)):
            for slot, text in self._cache.get_many(chunk).items():
                label, task_id, mark = self._read(text)
                if label == key("group", group):
                    yield slot, task_id, mark == _SUCCEEDED

    def _slots(self, group: str) -> list[str]:
        counters = {key("counter", group, family): family for family in _FAMILIES}
        drawn = self._cache.get_many(counters)
        return [
            key("slot", group, counters[counter], number)
            for counter, last in drawn.items()
            for number in range(1, int(last) + 1 + _AHEAD)
        ]

    def _read(self, text: object) -> tuple[str, str, str]:
        try:
            label, task_id, mark = self._signer.verify(GROUP, str(text)).rsplit(":", 2)
        except (BadPackageSignature, ValueError):
            return "", "", ""
        return label, task_id, mark
