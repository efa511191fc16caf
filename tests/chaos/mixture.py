"""What a soak is fed with: healthy tasks, and one in a hundred of everything that the other scenarios are about."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

HOOK = "tests.harness.tasks.note_hook"
TASK = 0.01
LARGE = 256 << 10
#: One call in so many is none of the healthy ones.
RARE = 100
#: Tasks of these functions fail, whatever is done.
POISON = ("segfault", "overflow_the_stack", "run_out_of_memory", "leave", "fail", "cannot_be_sent_back")


@dataclass
class Mixture:
    """Makes calls, and keeps the account of those that are to fail or never to run."""

    rng: random.Random
    #: Labels of the tasks that are to fail.
    poison: list[str] = field(default_factory=list)
    #: How many packages were sent that a stranger's key has signed.
    foreign: int = 0
    _kinds: Iterator[Callable[[str], list[Any]]] = field(init=False)

    def __post_init__(self) -> None:
        poisons = [self._poison(func) for func in POISON]
        self._kinds = cycle([*poisons, self._hung, self._foreign, self._large, self._hooked, self._chain, self._atomic])

    def calls(self, first: int, count: int) -> list[list[Any]]:
        """Return so many calls, numbered from ``first`` on."""
        rare = set(self.rng.sample(range(first, first + count), count // RARE))
        return [
            self._rare(number) if number in rare else self._healthy(number) for number in range(first, first + count)
        ]

    def _healthy(self, number: int) -> list[Any]:
        return ["mark", f"task-{number}", TASK]

    def _rare(self, number: int) -> list[Any]:
        return next(self._kinds)(str(number))

    def _poison(self, func: str) -> Callable[[str], list[Any]]:
        def call(number: str) -> list[Any]:
            self.poison.append(f"{func}-{number}")
            return [func, self.poison[-1]]

        return call

    def _hung(self, number: str) -> list[Any]:
        self.poison.append(f"hung-{number}")
        return ["sleep_deaf", self.poison[-1], 600]

    def _foreign(self, number: str) -> list[Any]:
        self.foreign += 1
        return ["enqueue_foreign", f"foreign-{number}"]

    def _large(self, number: str) -> list[Any]:
        return ["produce", f"large-{number}", LARGE]

    def _hooked(self, number: str) -> list[Any]:
        return ["mark", f"hooked-{number}", TASK, {"hook": HOOK}]

    def _chain(self, number: str) -> list[Any]:
        return ["enqueue_chains", [f"chain-{number}"], 3, TASK]

    def _atomic(self, number: str) -> list[Any]:
        """Enqueue two tasks, the second of which is rolled back."""
        return ["enqueue_in_transactions", [f"kept-{number}", f"ghost-{number}"]]
