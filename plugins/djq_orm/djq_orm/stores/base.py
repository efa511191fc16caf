"""What every database of Django understands."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable, Expression
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone

from djq_core.brokers.finding import Finding
from djq_core.brokers.leases import Lease
from djq_core.exceptions import ConfigurationError
from djq_orm.bells import Bell, IntervalBell
from djq_orm.clock import MICROSECONDS, now_in_microseconds

if TYPE_CHECKING:
    from djq_orm.models import OrmQ

CHUNK = 300
POLL = 0.2


class Claimed(NamedTuple):
    """A row that has just been handed out.

    ``deliveries`` is the number of attempts with this one. While nobody has answered for a delivery, those that follow
    it are the same attempt: its holder may have ended before the task was started. ``unanswered`` counts them all.
    """

    pk: int
    token: str
    text: str
    deliveries: int
    unanswered: int


class Lying(NamedTuple):
    """A row as it lies in the table; ``due`` and the present in microseconds, both by the same clock."""

    pk: int
    text: str
    is_held: bool
    deliveries: int
    due: int
    now: int


class Store:
    """The queue's table in one database; every statement goes to its alias, never through a router.

    An answer names the row and the token of its delivery, so that a delivery which was superseded changes nothing.
    A store holds nothing but its alias. Rows are handed out by ``(due, id)``, first in, first out. Times are those of
    this host; a dialect whose server has a clock that statements can use overrides :meth:`now` and :meth:`moment`.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """This thread's connection."""
        return connections[self.alias]

    @property
    def model(self) -> type[OrmQ]:
        """The table; raises ConfigurationError when its app is not installed."""
        try:
            return apps.get_model("djq_orm", "OrmQ")
        except LookupError as error:
            raise ConfigurationError(
                "The ORM broker needs 'djq_orm' in INSTALLED_APPS (and then a migrate)."
            ) from error

    @property
    def rows(self) -> QuerySet[OrmQ]:
        """Every row of every queue."""
        return self.model._base_manager.using(self.alias)

    def prepare(self) -> None:
        """Do what the database needs once before packages are received."""

    def bell(self, key: str) -> Bell:
        """Return what tells that a queue has changed."""
        return IntervalBell(POLL)

    def now(self) -> Expression:
        """Return the present in microseconds since 1970."""
        return Value(now_in_microseconds(), output_field=BigIntegerField())

    def moment(self) -> Any:
        """Return the present as the column ``lock`` takes it."""
        return timezone.now()

    def after(self, seconds: float) -> Combinable:
        """Return the time some seconds from now."""
        return self.now() + round(seconds * MICROSECONDS)

    # Sending

    def insert(self, key: str, texts: Sequence[str]) -> Sequence[int | None]:
        """Add packages in order, in the caller's transaction where there is one; return their ids, None if unknown."""
        due = now_in_microseconds()
        rows = [self.model(key=key, payload=text, due=due) for text in texts]
        return [row.pk for row in self.rows.bulk_create(rows)]

    # Receiving

    def claim(self, key: str, count: int, lease: float) -> list[Claimed]:
        """Hand out at most ``count`` rows that are due, for ``lease`` seconds."""
        with self.writing():
            rows = self._due(key, count)
            if not rows:
                return []
            claim = secrets.token_hex(8)
            self._pick_up([pk for pk, *_ in rows], claim, lease)
        return [
            Claimed(pk, f"{claim}{pk}", text, deliveries + (unanswered == 0), unanswered + 1)
            for pk, text, deliveries, unanswered in rows
        ]

    def writing(self) -> AbstractContextManager[Any]:
        """Return a transaction in which rows can be read and then changed."""
        return transaction.atomic(using=self.alias)

    def _due(self, key: str, count: int) -> Sequence[tuple[int, str, int, int]]:
        can_skip = self.connection.features.has_select_for_update_skip_locked
        due = self.rows.filter(key=key, due__lte=self.now()).order_by("due", "id")
        locked = due.select_for_update(skip_locked=can_skip)
        return list(locked.values_list("pk", "payload", "deliveries", "unanswered")[:count])

    def _pick_up(self, pks: Sequence[int], claim: str, lease: float) -> None:
        self.rows.filter(pk__in=pks).update(
            token=Concat(Value(claim), Cast("pk", CharField(max_length=20))),
            lock=self.moment(),
            due=self.after(lease),
            deliveries=Case(
                When(unanswered=0, then=F("deliveries") + 1), default=F("deliveries"), output_field=IntegerField()
            ),
            unanswered=F("unanswered") + 1,
        )

    def seconds_to_next(self, key: str) -> float | None:
        """Return the seconds until the next row comes due, not above zero when one is; None for an empty queue."""
        left = ExpressionWrapper(F("due") - self.now(), output_field=BigIntegerField())
        first = self.rows.filter(key=key).order_by("due", "id").values_list(left)[:1]
        return next((left / MICROSECONDS for (left,) in first), None)

    # Answering

    def extend(self, leases: Sequence[Lease], seconds: float) -> set[int]:
        """Renew leases and return the ids of the rows that were still held."""
        held: set[int] = set()
        for some in _chunks(leases):
            rows = self._held(some)
            rows.update(due=self.after(seconds), lock=self.moment())
            held.update(rows.values_list("pk", flat=True))
        return held

    def release(self, key: str, leases: Sequence[Lease], delay: float, *, counted: bool) -> None:
        """Free rows of a queue, to be handed out again after ``delay`` seconds."""
        attempts = F("deliveries") - (0 if counted else 1)
        for some in _chunks(leases):
            self._held(some).update(token=None, lock=None, due=self.after(delay), unanswered=0, deliveries=attempts)

    def remove(self, leases: Sequence[Lease]) -> None:
        """Delete rows that are answered for."""
        for some in _chunks(leases):
            self._held(some)._raw_delete(self.alias)

    def remove_row(self, key: str, pk: int) -> None:
        """Delete a row of a queue, whoever holds it."""
        self.rows.filter(key=key, pk=pk)._raw_delete(self.alias)

    def _held(self, leases: Sequence[Lease]) -> QuerySet[OrmQ]:
        # A token holds the id of its row, so the two lists cannot be paired wrongly.
        return self.rows.filter(pk__in=[lease.id for lease in leases], token__in=[lease.token for lease in leases])

    # The queue

    def clear(self, key: str) -> None:
        """Delete every row of a queue."""
        self.rows.filter(key=key)._raw_delete(self.alias)

    def count_waiting(self, key: str) -> int:
        """Return the number of rows that nobody holds, or whose lease has lapsed."""
        # as a difference: all rows of a queue are counted in the index alone, and few of them are held
        held = self._in_force(key).order_by().values("key").annotate(number=Count("*")).values("number")
        waiting = Count("*") - Coalesce(Subquery(held), 0)
        return int(self.rows.filter(key=key).aggregate(waiting=waiting)["waiting"])

    def count_held(self, key: str) -> int:
        """Return the number of rows with a lease in force."""
        return self._in_force(key).count()

    def _in_force(self, key: str) -> QuerySet[OrmQ]:
        return self.rows.filter(key=key, token__isnull=False, due__gt=self.now())

    def oldest(self, key: str, count: int) -> list[Lying]:
        """Return the ``count`` rows of a queue that were sent first, with one statement that locks nothing."""
        rows = self.rows.filter(key=key).order_by("id")
        found = rows.values_list(
            "pk", "payload", "token", "deliveries", "due", ExpressionWrapper(self.now(), output_field=BigIntegerField())
        )
        return [
            Lying(pk, text, token is not None, deliveries, due, now)
            for pk, text, token, deliveries, due, now in found[: max(0, count)]
        ]

    # The server

    def probe(self) -> None:
        """Ask the database for nothing."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def clock(self) -> float | None:
        """Return the time of the server's clock in seconds since 1970; None where this host's counts."""
        return None

    def _asked_clock(self, expression: str) -> float:
        """Return a time in microseconds that the server is asked for as seconds."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {expression}")
            return int(cursor.fetchone()[0]) / MICROSECONDS

    def examine(self) -> list[Finding]:
        """Return what the settings of the database mean for the queue."""
        return []

    def version(self) -> str:
        """Return name and version of the database."""
        number = ".".join(map(str, self.connection.get_database_version()))
        return f"{self.connection.display_name} {number}"


def _chunks(leases: Sequence[Lease]) -> list[Sequence[Lease]]:
    return [leases[start : start + CHUNK] for start in range(0, len(leases), CHUNK)]
