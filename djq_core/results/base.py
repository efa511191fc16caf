"""The contract of a result backend: where results are kept and found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from djq_core.conf import Conf
from djq_core.envelope import TaskResult

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from djq_core.models import Task


@dataclass(frozen=True, slots=True)
class Stored:
    """What the backend knows of a task after a save: ``attempts`` and ``crashes`` so far, this one included."""

    attempts: int = 1
    crashes: int = 0


class ResultBackend:
    """Base class of all result backends.

    ``get`` and its like return instances of :class:`djq_core.models.Task`; those of a backend outside the database
    are unsaved instances, and their ``save()`` stores them there (manual 1.4.3).
    """

    name: ClassVar[str] = ""

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    @property
    def database(self) -> str | None:
        """The alias of the database whose transactions ``save_many`` joins, None where there is none."""
        return None

    def transaction(self) -> AbstractContextManager[object]:
        """Return a block whose saves are committed together, where the store can do that.

        What may pass (the store is away) leaves it as ResultBackendUnavailable.
        """
        return nullcontext()

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        """Insert or update each result and return, once committed, those that changed something by task id.

        A later result never overwrites a success: such a one is left out of what is returned. Saving the same result
        twice is harmless (attempts and crashes are counted by attempt number, not by call); it is returned again where
        the first save was not part of the caller's transaction, so that what follows a save is made up for.
        Raises ResultBackendUnavailable when the store cannot be reached; anything else means that a row was refused.
        """
        raise NotImplementedError

    def prune(self, keep: int, **only: str | None) -> None:
        """Delete the oldest successes beyond ``keep`` (the setting ``save_limit``).

        ``only`` is nothing, or one of ``func``, ``name`` and ``group`` with its value: then of those tasks alone (the
        setting ``save_limit_per``).
        """

    def prune_unreadable(self, keep: int) -> None:
        """Delete the oldest failures of packages that could not be read beyond ``keep`` (``quarantine_limit``)."""

    def get(self, task_id: str) -> Task | None:
        """Return the task with this id or name, None where there is none."""
        raise NotImplementedError

    def get_group(self, group_id: str, *, failures: bool = True) -> Sequence[Task] | QuerySet[Task]:
        """Return the tasks of a group in the order of their calls, without the failed ones unless ``failures``."""
        raise NotImplementedError

    def get_group_results(self, group_id: str, *, failures: bool = False) -> list[Any]:
        """Return the results of a group in the order of the calls, with ``failures`` those of failed tasks too."""
        return [task.result for task in self.get_group(group_id, failures=failures)]

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        """Return the number of results of a group; the number of its failures with ``failures``."""
        raise NotImplementedError

    def delete(self, task_id: str) -> bool:
        """Delete one task and return whether it was there."""
        raise NotImplementedError

    def delete_group(self, group_id: str, *, tasks: bool = False) -> int:
        """Remove the label of a group, with ``tasks`` its tasks too; return the number of tasks affected."""
        raise NotImplementedError
