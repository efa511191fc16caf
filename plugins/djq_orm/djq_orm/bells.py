"""What tells a waiting cluster that its queue may have changed."""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from djq_orm.stirring import Stirring

logger = logging.getLogger("djq")

REST = 5.0
#: The shortest and the longest pause between two looks at the version of a SQLite file, in seconds.
QUICK_TICK, TICK = 0.002, 0.04
#: What share of the time since the last change a pause is.
SHARE = 0.1


class Bell(Protocol):
    """Rings when a queue may have changed; between two rings one look per ``interval`` seconds is enough."""

    @property
    def interval(self) -> float:
        """The seconds after which to look although nothing rang."""

    def arm(self) -> None:
        """Begin to take notice; called before the look whose news must not be missed."""

    def wait(self, seconds: float) -> float | None:
        """Wait at most so long; return in how many seconds to look, None when nothing rang."""

    def close(self) -> None:
        """Stop taking notice."""


class IntervalBell:
    """Never rings: the queue is looked into at an interval (manual 1.2.28)."""

    def __init__(self, interval: float) -> None:
        self.interval = interval

    def arm(self) -> None:
        """Do nothing."""

    def wait(self, seconds: float) -> float | None:
        """Sleep."""
        time.sleep(seconds)
        return None

    def close(self) -> None:
        """Do nothing."""


class VersionBell:
    """Rings when a SQLite file was committed to, by whichever connection: asking for its version costs no query.

    ``stirring`` gives what tells of a write at once, None where there is no such thing. A write is seen before its
    commit is, so it only makes looks more frequent; without it they are the same, and further apart.
    """

    interval = REST

    def __init__(self, version: Callable[[], object], stirring: Callable[[], Stirring | None] = lambda: None) -> None:
        self._version = version
        self._make_stirring = stirring
        self._stirring: Stirring | None = None
        self._is_armed = False
        self._seen: object = None
        self._changed_at = 0.0

    @property
    def is_told(self) -> bool:
        """Whether writes are told of."""
        return self._stirring is not None

    def arm(self) -> None:
        """Note the version of this moment."""
        if not self._is_armed:
            self._is_armed, self._stirring = True, self._make_stirring()
        self._has_changed()

    def wait(self, seconds: float) -> float | None:
        """Look at the version many times a second, most often after a change; return 0 when it is another."""
        until = time.monotonic() + seconds
        while not self._has_changed():
            now = time.monotonic()
            if now >= until:
                return None
            self._pause(min(max(QUICK_TICK, SHARE * (now - self._changed_at)), TICK, until - now))
        return 0.0

    def _pause(self, seconds: float) -> None:
        if self._stirring is None or seconds <= QUICK_TICK:
            time.sleep(seconds)
        elif self._stirring.wait(seconds):
            self._changed_at = time.monotonic()

    def _has_changed(self) -> bool:
        version = self._version()
        if version == self._seen:
            return False
        self._seen, self._changed_at = version, time.monotonic()
        return True

    def close(self) -> None:
        """Stop taking notice of writes; the connection is not the bell's."""
        stirring, self._stirring, self._is_armed = self._stirring, None, False
        if stirring is not None:
            stirring.close()


class ListenBell:
    """Rings when PostgreSQL notifies the queue's channel, over a connection of its own that listens all the time."""

    interval = REST

    def __init__(self, alias: str, channel: str) -> None:
        self._alias = alias
        self._channel = channel
        self._wrapper: BaseDatabaseWrapper | None = None

    def arm(self) -> None:
        """Listen, where that is not so already."""
        if self._wrapper is not None:
            return
        wrapper = _separate(self._alias)
        try:
            with wrapper.cursor() as cursor:
                cursor.execute(f'LISTEN "{self._channel}"')
        except Error:
            wrapper.close()
            raise
        self._wrapper = wrapper

    def wait(self, seconds: float) -> float | None:
        """Wait for a notification; return the smallest delay it announces, or 0 when the connection was lost."""
        if self._wrapper is None:
            time.sleep(seconds)
            return None
        try:
            with self._wrapper.wrap_database_errors:
                return min(_announced(self._wrapper.connection, seconds), default=None)
        except (Error, OSError) as error:
            logger.warning("Lost the connection that listens on %r, looking again: %s", self._alias, error)
            self.close()
            return 0.0

    def close(self) -> None:
        """Close the connection; the next :meth:`arm` makes a new one."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None:
            with suppress(Error):
                wrapper.close()


def _separate(alias: str) -> BaseDatabaseWrapper:
    """Return a connection beside the thread's own, outside any pool."""
    wrapper = connections[alias].copy()
    options = wrapper.settings_dict["OPTIONS"]
    wrapper.settings_dict["OPTIONS"] = {name: options[name] for name in options if name != "pool"}
    return wrapper


def _announced(raw: Any, seconds: float) -> Iterator[float]:
    with selectors.DefaultSelector() as selector:
        selector.register(raw.fileno(), selectors.EVENT_READ)
        if selector.select(seconds):
            yield from (float(payload or 0) for payload in list(notifications(raw)))


def notifications(raw: Any) -> Iterator[bytes | str]:
    """Read what has arrived, with psycopg 3 or psycopg2."""
    if hasattr(raw, "pgconn"):
        raw.pgconn.consume_input()
        while note := raw.pgconn.notifies():
            yield note.extra
        return
    raw.poll()
    while raw.notifies:
        yield raw.notifies.pop(0).payload
