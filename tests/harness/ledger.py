"""The account of a delivery test: enqueued, started, finished, stored, queued; every difference needs a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.harness.oracle import END, HOOK, PUT, START, Oracle


@dataclass(frozen=True)
class Ledger:
    """What oracle, database and queue know at the end; ``successes`` and ``failures`` are the rows by label."""

    enqueued: Counter[str]
    started: Counter[str]
    finished: Counter[str]
    hooked: Counter[str]
    successes: Collection[str]
    failures: Mapping[str, str]
    queued: int

    @classmethod
    def of(cls, oracle: Oracle, *, successes: Collection[str], failures: Mapping[str, str], queued: int) -> Ledger:
        """Return the account of one site."""
        return cls(
            enqueued=oracle.count(PUT),
            started=oracle.count(START),
            finished=oracle.count(END),
            hooked=oracle.count(HOOK),
            successes=frozenset(successes),
            failures=dict(failures),
            queued=queued,
        )

    @property
    def lost(self) -> set[str]:
        """Those that were accepted and are neither stored nor waiting."""
        return set(self.enqueued) - set(self.successes) - set(self.failures)

    @property
    def extra_starts(self) -> Counter[str]:
        """How often each was started beyond its first start."""
        return Counter({label: count - 1 for label, count in self.started.items() if count > 1})

    @property
    def extra_hooks(self) -> Counter[str]:
        """How often the hook of each was called beyond its first call."""
        return Counter({label: count - 1 for label, count in self.hooked.items() if count > 1})

    def differences(
        self, *, kills: int = 0, poison: Collection[str] = (), unstarted: Collection[str] = ()
    ) -> list[str]:
        """Return every difference that no promise explains.

        ``kills`` is how many processes were killed while they may have run a task: each explains one extra start.
        ``poison`` are tasks that are to fail, ``unstarted`` those of them that are never to start.
        """
        bad, idle = set(poison), set(unstarted)
        good = set(self.enqueued) - bad
        extra = sum(count for label, count in self.extra_starts.items() if label in good)
        found = {
            "enqueued twice": {label for label, count in self.enqueued.items() if count > 1},
            "lost": self.lost,
            "failed without a reason to": set(self.failures) & good,
            "succeeded against all reason": set(self.successes) & bad,
            "stored, but never finished": (set(self.successes) & good) - set(self.finished),
            "stored as success and as failure": set(self.successes) & set(self.failures),
            "never started": set(self.enqueued) - idle - set(self.started),
            "started though unreadable": idle & set(self.started),
            "started, but never enqueued": set(self.started) - set(self.enqueued),
            f"{extra} extra starts, {kills} kills explain": set(self.extra_starts) & good if extra > kills else set(),
            f"{self.queued} still queued": {"some"} if self.queued else set(),
        }
        return [f"{what}: {_some(labels)}" for what, labels in found.items() if labels]

    @property
    def figures(self) -> dict[str, int]:
        """The account in numbers."""
        return {
            "enqueued": self.enqueued.total(),
            "started": self.started.total(),
            "finished": self.finished.total(),
            "stored": len(self.successes),
            "failed": len(self.failures),
            "queued": self.queued,
            "lost": len(self.lost),
            "extra starts": self.extra_starts.total(),
            "extra hooks": self.extra_hooks.total(),
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {number}" for name, number in self.figures.items())


def _some(labels: Collection[str]) -> str:
    shown = sorted(labels)
    more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
    return ", ".join(shown[:8]) + more
