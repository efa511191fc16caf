"""Results in Django's cache (manual 1.4.3)."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.cache import BaseCache, caches

from djq_core.envelope import RESULT, Signer, TaskResult
from djq_core.exceptions import BadPackageSignature, ResultBackendUnavailable
from djq_core.fields import SITE, Serialized
from djq_core.models import Task
from djq_core.results.base import ResultBackend, Stored
from djq_core.results.cache_groups import CacheGroups, in_chunks, key
from djq_core.results.records import task_of
from djq_core.results.upsert import follows

if TYPE_CHECKING:
    from djq_core.conf import Conf

_PLAIN = ("id", "name", "func", "hook", "group", "cluster", "success", "attempt_count", "crashes")
_MOMENTS = ("started", "stopped")
_VALUES = ("args", "kwargs", "result")
_SUCCESS = "success"
_FAILURE = "failure"
_NAME = "name"


class CacheResults(ResultBackend):
    """Keeps results as signed texts for as long as each task's ``cached`` says: True for ever, else seconds.

    A success and a failure of one task have keys of their own, and a success is added, never set: so no late failure
    comes over it, whoever else writes. All clusters of a site share the keys, as they share the table of tasks; sites
    that share a cache server are kept apart by the cache's ``KEY_PREFIX``, and their texts by the ``SECRET_KEY``.

    A result that is saved again, ended at the same moment, is returned again: no transaction joins its first save to
    what should have followed.
    """

    name: ClassVar[str] = "cache"

    def __init__(self, conf: Conf) -> None:
        self._alias = conf.cache
        self._signer = Signer(SITE, conf.secret_key, conf.secret_key_fallbacks)
        self._groups = CacheGroups(conf.cache, self._signer)

    @property
    def _cache(self) -> BaseCache:
        return caches[self._alias]

    # Saving

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        """Store the results one by one; a repeat of a save that was cut off makes up for what it left out."""
        stored: dict[str, Stored] = {}
        with self._available():
            known = self._read({result.package.id for result in results})
            for result in results:
                task = task_of(result)
                if self._save(task, known.get(task.pk), _seconds(result.package.cached)):
                    known[task.pk] = task
                    stored[task.pk] = Stored(task.attempt_count, task.crashes)
        return stored

    def _save(self, task: Task, old: Task | None, seconds: int | None) -> bool:
        is_repeat = old is not None and (old.success, old.stopped) == (task.success, task.stopped)
        if old is not None and not is_repeat and not follows(old, task):
            return False
        if old is not None:
            _go_on_from(old, task)
        if not self._put(task, seconds) and not is_repeat:
            return False
        if task.group and (old is None or is_repeat or old.success != task.success):
            self._groups.join(task.group, task.pk, success=task.success, seconds=seconds)
        return True

    def _put(self, task: Task, seconds: int | None) -> bool:
        self._cache.set(key(_NAME, task.name), task.pk, seconds)
        text = self._signer.sign(RESULT, _to_text(task))
        if task.success:
            return self._cache.add(key(_SUCCESS, task.pk), text, seconds)
        self._cache.set(key(_FAILURE, task.pk), text, seconds)
        return True

    # Reading

    def get(self, task_id: str) -> Task | None:
        """Return the task with this id or name, unsaved; its ``save()`` stores it in the database."""
        task = self._read([task_id]).get(task_id)
        if task is not None:
            return task
        named = self._cache.get(key(_NAME, task_id))
        task = self._read([named]).get(named) if isinstance(named, str) else None
        return task if task is not None and task.name == task_id else None

    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        """Return the tasks of a group as a list, in the order of their calls."""
        members = self._groups.members(group_id)
        wanted = [task_id for task_id, success in members.items() if success or failures]
        tasks = (task for chunk in in_chunks(wanted) for task in self._read(chunk).values())
        return sorted(
            (task for task in tasks if task.success or failures), key=lambda task: (task.started, task.stopped)
        )

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        """Return the number of results of a group; the number of its failures with ``failures``."""
        members = self._groups.members(group_id)
        return sum(not success for success in members.values()) if failures else len(members)

    # Deleting

    def delete(self, task_id: str) -> bool:
        """Delete one task, by id or name, and return whether it was there."""
        task = self.get(task_id)
        if task is None:
            return False
        if task.group:
            self._groups.leave(task.group, task.pk)
        self._delete([task])
        return True

    def delete_group(self, group_id: str, *, tasks: bool = False) -> int:
        """Forget a group, with ``tasks`` delete its tasks too; return the number of tasks affected."""
        members = list(self._groups.members(group_id))
        self._groups.drop(group_id)
        for chunk in in_chunks(members if tasks else []):
            self._delete(self._read(chunk).values())
        return len(members)

    def _delete(self, tasks: Iterable[Task]) -> None:
        self._cache.delete_many(
            [each for task in tasks for each in (key(_SUCCESS, task.pk), key(_FAILURE, task.pk), key(_NAME, task.name))]
        )

    # Texts

    def _read(self, task_ids: Collection[str]) -> dict[str, Task]:
        """Return the tasks by id; a success comes before a failure, a text that is not ours is ignored."""
        keys = {key(kind, task_id): task_id for kind in (_FAILURE, _SUCCESS) for task_id in task_ids}
        texts = self._cache.get_many(keys)
        tasks = (self._task(task_id, texts[each]) for each, task_id in keys.items() if each in texts)
        return {task.pk: task for task in tasks if task is not None}

    def _task(self, task_id: str, text: object) -> Task | None:
        try:
            task = _from_text(self._signer.verify(RESULT, str(text)))
        except BadPackageSignature:
            return None
        return task if task.pk == task_id else None

    @contextmanager
    def _available(self) -> Iterator[None]:
        """Tell a cache that is away from one that refuses a value; the errors of caches have no class in common."""
        try:
            yield
        except Exception as error:
            try:
                self._cache.get(key(_NAME, ""))
            except Exception as second:
                raise ResultBackendUnavailable(f"The cache {self._alias!r} does not answer: {second}") from error
            raise


def _seconds(cached: bool | int) -> int | None:
    return None if cached is True or not cached else int(cached)


def _go_on_from(old: Task, task: Task) -> None:
    """Count attempts and crashes on, as the database does."""
    is_later = task.attempt_count > old.attempt_count
    task.crashes = old.crashes + (task.crashes if is_later else 0)
    task.attempt_count = max(task.attempt_count, old.attempt_count)
    task.started = old.started


def _to_text(task: Task) -> str:
    record: dict[str, Any] = {name: getattr(task, name) for name in _PLAIN}
    record |= {name: getattr(task, name).isoformat() for name in _MOMENTS}
    record |= {name: _value_to_json(task.__dict__[name]) for name in _VALUES}
    return json.dumps(record, separators=(",", ":"))


def _from_text(text: str) -> Task:
    record = json.loads(text)
    record |= {name: datetime.fromisoformat(record[name]) for name in _MOMENTS}
    record |= {name: Serialized(record[name][0], b64decode(record[name][1])) for name in _VALUES if record[name]}
    return Task(**record)


def _value_to_json(value: Serialized | None) -> list[str] | None:
    return None if value is None else [value.tag, b64encode(value.data).decode("ascii")]
