"""Whether we slow down as the queue and the table of results grow (``--tasks 1000000`` for the full size)."""

from __future__ import annotations

from dataclasses import dataclass

from bench.figures import ratio
from bench.scenarios import drain
from bench.scenarios.base import Scenario
from bench.stand import Stand
from bench.systems.base import NOTHING, OURS

#: How many are drained for one figure, the first fifth of them to warm up, and how many are sent one by one.
DRAINED, SENT = 5000, 500


@dataclass(frozen=True, slots=True)
class Rates:
    """So many a second, and so many for each second of CPU time of everybody who takes part."""

    by_clock: float
    by_cpu: float

    def shares(self, name: str, of: Rates) -> dict[str, float]:
        """Return these as shares of others."""
        return {
            f"{name} share": ratio(self.by_clock, of.by_clock),
            f"{name} share by CPU": ratio(self.by_cpu, of.by_cpu),
        }


def measure(stand: Stand, tasks: int) -> dict[str, float]:
    """Compare a short queue with a long one, and an empty table of results with a full one."""
    sent, drained = _at(stand, DRAINED)
    sent_at_many, drained_at_many = _at(stand, max(tasks, DRAINED))
    found = sent_at_many.shares("enqueue", sent) | drained_at_many.shares("drain", drained)
    if stand.system.results == NOTHING:
        return found
    stand.renew()
    stand.driver.call("stuff", tasks)
    stand.fill(DRAINED)
    return found | _draining(stand).shares("save", drained)


def _at(stand: Stand, queued: int) -> tuple[Rates, Rates]:
    stand.renew()
    stand.fill(queued)
    return _sending(stand), _draining(stand)


def _sending(stand: Stand) -> Rates:
    servers = stand.server_seconds()
    seconds, cpu = stand.driver.call("one_by_one", SENT)
    return Rates(ratio(SENT, seconds), ratio(SENT, cpu + stand.server_seconds() - servers))


def _draining(stand: Stand) -> Rates:
    """Return the rate at which the next tasks are run and stored, whatever waits behind them."""
    with stand.working():
        begin = drain.look(stand, stand.wait_done(DRAINED // 5))
        found = drain.figures(begin, drain.look(stand, stand.wait_done(DRAINED)))
    return Rates(found["tasks/s"], found["tasks/CPU s"])


SCENARIO = Scenario(
    name="growth",
    title="Growth of the queue and of the stored results",
    figure="drain share",
    measure=measure,
    tasks=lambda _: 100_000,
    takes=lambda system: system.kind == OURS and not system.is_variant,
    rounds=3,
    note="Each rate with so many queued, or stored, as a share of that with 5,000 queued and nothing stored.",
)
