"""Calls that may hang, each in a thread of its own, so that who asks can give up waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from djq_core.cluster.databases import close_connections

T = TypeVar("T")


class Calls:
    """The calls that are under way; one that hangs is joined by those who ask the same, not made again.

    So a server that does not answer costs one thread, however often a probe comes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Hashable, Future[Any]] = {}

    def start(self, key: Hashable, call: Callable[[], T]) -> Future[T]:
        """Begin a call and return its future, or the future of the call that is under way with this key."""
        place = (os.getpid(), key)
        with self._lock:
            if place in self._open:
                return self._open[place]
            future: Future[T] = Future()
            self._open[place] = future
        threading.Thread(target=self._run, args=(place, future, call), name="djq look", daemon=True).start()
        return future

    def _run(self, place: Hashable, future: Future[T], call: Callable[[], T]) -> None:
        try:
            answer = call()
        except BaseException as error:  # the border of this thread
            self._forget(place)
            future.set_exception(error)
        else:
            self._forget(place)
            future.set_result(answer)

    def _forget(self, place: Hashable) -> None:
        close_connections()
        with self._lock:
            del self._open[place]
