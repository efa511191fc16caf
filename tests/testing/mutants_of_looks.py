"""Brokers whose looks have one fault each: at the queue, at the clock, at the server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from djq_core.brokers.base import Queued
from djq_core.brokers.finding import ERROR, Finding
from djq_core.brokers.memory import MemoryBroker
from tests.testing.mutants import found_by
from tests.testing.mutants_of_details import FOUND_BY

__all__ = ["FOUND_BY"]


@found_by("test_a_look_shows_what_waits_and_takes_nothing")
class TakesWhatItShows(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return [Queued(package=package) for _, package in self.dequeue()]


@found_by("test_a_look_shows_what_waits_and_takes_nothing")
class CountsLooksAsAttempts(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        found = super().peek(count)
        self.release([str(each.receipt) for each in self.receive(count, 0)])
        return found


@found_by("test_no_look_shows_more_than_asked")
class ShowsEverything(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return super().peek(1000)


@found_by("test_a_look_shows_the_oldest_first")
class ShowsTheNewestFirst(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return super().peek(1000)[::-1][:count]


@found_by("test_a_look_shows_the_oldest_first")
class HidesWhatIsHeld(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return [each for each in super().peek(1000) if not each.is_held][:count]


@found_by("test_a_look_is_at_one_queue")
class ShowsEveryQueue(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return [each for key in list(self.memory._queues) for each in self.memory.oldest(key, count)]


class _Alters(MemoryBroker):
    held: Mapping[str, Any] = {}
    timed: Mapping[str, Any] = {}

    def peek(self, count: int) -> list[Queued]:
        return [self._altered(each) for each in super().peek(count)]

    def _altered(self, found: Queued) -> Queued:
        if found.is_held:
            return replace(found, **self.held)
        return replace(found, **self.timed) if found.due else found


@found_by("test_a_look_shows_until_when_a_package_is_held")
class ForgetsTheLease(_Alters):
    held = {"due": None}


@found_by("test_a_look_shows_until_when_a_package_is_held")
class ForgetsTheAttempt(_Alters):
    held = {"attempts": 0}


@found_by("test_a_look_shows_what_waits_for_its_time")
class ForgetsTheTime(_Alters):
    timed = {"due": None}


@found_by("test_a_look_shows_what_waits_for_its_time")
class TakesATimeForALease(_Alters):
    timed = {"is_held": True}


@found_by("test_a_look_shows_that_a_lease_was_not_answered_in_time")
class HidesWhatIsLate(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return super().peek(count) if self.lock_size() else []


@found_by("test_a_look_shows_what_was_handed_back_as_waiting")
class TakesEveryAttemptForALease(MemoryBroker):
    def peek(self, count: int) -> list[Queued]:
        return [replace(each, is_held=each.attempts > 0) for each in super().peek(count)]


@found_by("test_without_looks_they_are_refused")
class LooksUndeclared(MemoryBroker):
    supports_peek = False


@found_by("test_the_clock_of_the_server_counts_seconds")
class TellsMilliseconds(MemoryBroker):
    def clock(self) -> float | None:
        return time.time() * 1000


@found_by("test_an_examination_tells_what_is_so")
class HasNoRemedy(MemoryBroker):
    def examine(self) -> list[Finding]:
        return [Finding(level=ERROR, code="memory-full", message="The memory is full.")]
