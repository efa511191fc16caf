"""Results in the site's database: the default backend (manual 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connections, router, transaction

from djq_core.envelope import TaskResult
from djq_core.envelope.package import UNREADABLE
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.models import Task
from djq_core.results.base import ResultBackend, Stored
from djq_core.results.records import task_of
from djq_core.results.upsert import rounds, upsert

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

    from djq_core.conf import Conf

#: Away, locked, full, not migrated yet: no fault of the row, so it is kept and tried again.
_PASSING = (OperationalError, InterfaceError, ProgrammingError)
#: SQLSTATE class 54, "program limit exceeded": an OperationalError, but the row is too large and always will be.
_TOO_LARGE = "54"
#: MariaDB and MySQL for the same: a statement or a row is too large.
_TOO_LARGE_CODES = (1118, 1153)
#: What PostgreSQL, MariaDB and MySQL say of a table that is not there.
_MISSING = re.compile("does(n't| not) exist")
#: SQLSTATE of a server that has become a standby: another will take its place.
_READ_ONLY = "25006"


class DatabaseResults(ResultBackend):
    """Keeps results as rows of :class:`djq_core.models.Task`, on the database to which Django's routers send them.

    A success that is saved again, ended at the same moment, is returned again unless the caller's transaction holds the
    save: only then is it certain that what should have followed the first save did.
    """

    name: ClassVar[str] = "database"

    def __init__(self, conf: Conf | None = None) -> None:
        """Every backend is built with the configuration; this one needs none of it."""

    @property
    def database(self) -> str:
        """The alias of the database that results are written to."""
        return router.db_for_write(Task)

    def transaction(self) -> AbstractContextManager[object]:
        """Return a transaction of the database that results are written to."""
        return available(self.database)

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        """Insert or update the rows; inside a transaction of the caller's they are committed with it."""
        tasks = [task_of(result) for result in results]
        is_joined = connections[self.database].in_atomic_block
        stored: dict[str, Stored] = {}
        with available(self.database) as connection:
            for part in rounds(tasks):
                stored |= upsert(connection, part)
            missing = {task.pk: task for task in tasks if task.success and task.pk not in stored}
            if missing and not is_joined:
                stored |= self._repeated(missing)
        return stored

    def _repeated(self, tasks: Mapping[str, Task]) -> Mapping[str, Stored]:
        """Return those of the successes that are stored already, not another one of the same task."""
        rows = Task.objects.using(self.database).filter(pk__in=tasks, success=True)
        known = rows.values_list("pk", "stopped", "attempt_count", "crashes")
        return {
            pk: Stored(attempts, crashes) for pk, stopped, attempts, crashes in known if tasks[pk].stopped == stopped
        }

    def prune(self, keep: int, **only: str | None) -> None:
        """Delete the successes older than the newest ``keep``, of those with this ``func``, ``name`` or ``group``."""
        self._keep_newest(keep, success__in=[True], **only)

    def prune_unreadable(self, keep: int) -> None:
        """Delete the failures of unreadable packages older than the newest ``keep``."""
        self._keep_newest(keep, success__in=[False], func=UNREADABLE)

    def _keep_newest(self, keep: int, **only: Any) -> None:
        # "success IN (…)", for SQLite and MySQL use no index for "WHERE success"
        rows = Task.objects.using(self.database).filter(**only)
        # two transactions, for SQLite refuses at once to write in one that has read before somebody else wrote
        with available(self.database):
            oldest = list(rows.order_by("-stopped").values_list("stopped", flat=True)[keep - 1 : keep])
        if oldest:
            with available(self.database):
                rows.order_by().filter(stopped__lt=oldest[0]).delete()

    def get(self, task_id: str) -> Task | None:
        """Return the task with this id or name, None where there is none."""
        return Task.get_task(task_id)

    def get_group(self, group_id: str, *, failures: bool = True) -> QuerySet[Task]:
        """Return the tasks of a group as a query set, without the failed ones unless ``failures``."""
        return Task.get_task_group(group_id, failures)

    def get_group_results(self, group_id: str, *, failures: bool = False) -> list[Any]:
        """Return the results of a group; nothing else of its tasks is read."""
        return Task.get_result_group(group_id, failures)

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        """Return the number of results of a group; the number of its failures with ``failures``."""
        return Task.get_group_count(group_id, failures)

    def delete(self, task_id: str) -> bool:
        """Delete one task, by id or name, and return whether it was there."""
        task = Task.get_task(task_id)
        return task is not None and task.delete()[0] > 0

    def delete_group(self, group_id: str, *, tasks: bool = False) -> int:
        """Take the label off a group, with ``tasks`` delete its tasks; return the number of tasks affected."""
        return Task.delete_group(group_id, tasks)


@contextmanager
def available(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Run the block in one transaction; raise ResultBackendUnavailable where trying again later may help."""
    connection = connections[alias]
    try:
        _lock_no_gaps(connection)
        with transaction.atomic(using=alias, savepoint=False):
            yield connection
    except Error as error:
        connection.close_if_unusable_or_obsolete()
        if not _is_passing(error):
            raise
        told = f"The database {alias!r} does not take results now: {error}{remedy(error, alias)}"
        raise ResultBackendUnavailable(told) from error


def remedy(error: BaseException, alias: str) -> str:
    """Return what to do where a table is missing, to follow the error's text; nothing for any other error."""
    return f". Is the table there? Run: manage.py migrate --database={alias}" if is_of_a_missing_table(error) else ""


def is_of_a_missing_table(error: BaseException) -> bool:
    """Does an error of a database say that a table is not there?"""
    text = str(error)
    return "no such table" in text or (isinstance(error, ProgrammingError) and bool(_MISSING.search(text)))


def _lock_no_gaps(connection: BaseDatabaseWrapper) -> None:
    """Let two writers of new rows not wait for each other where MariaDB or MySQL are told to lock more than rows."""
    is_wide = getattr(connection, "isolation_level", None) != "read committed"
    if connection.vendor == "mysql" and is_wide and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _is_passing(error: Error) -> bool:
    if error.args[:1] and error.args[0] in _TOO_LARGE_CODES:
        return False
    state = str(getattr(error.__cause__, "sqlstate", None) or "")
    return state == _READ_ONLY or (isinstance(error, _PASSING) and not state.startswith(_TOO_LARGE))
