"""R15: an hour of everything, with a kill every ten seconds, beside a cluster that is left alone."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos import curves
from tests.chaos.curves import AXES, Sampler
from tests.chaos.mixture import Mixture
from tests.chaos.sizes import report
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import POSTGRESQL, REDIS_RECEIPTS, MakeSite
from tests.harness.logs import ROLES
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

#: Names the length in seconds; an hour where it is unset.
SECONDS = "DJQ_SOAK_SECONDS"
#: Names the file of the curves; where it is unset they are not kept.
CURVES = "DJQ_SOAK_CURVES"
HOUR = 3_600
#: 200,000 tasks in an hour.
PER_SECOND = 200_000 / HOUR
BETWEEN_KILLS = 10.0
HELD = WORKERS + WORKERS**2
#: A timeout ends what hangs; attempts and crashes leave room for what random kills add.
Q_CLUSTER = {"retry": 5, "timeout": 2, "timeout_grace": 1, "max_attempts": 6, "max_crashes": 6, "backoff": 0.5}
#: Seconds of the mixture that are enqueued with one call.
PORTION = 30
#: How much more the last quarter may have than the second one.
FLAT = 1.1


class Disturbed:
    """A cluster that is killed in part or whole, or restarted, every now and then."""

    def __init__(self, site: Site, rng: random.Random) -> None:
        self.kills = 0
        self._site = site
        self._rng = rng
        self._stack = ExitStack()
        self.cluster = self._start()

    def disturb(self) -> None:
        """Kill a random process; in one of ten times kill all, in another one restart in order."""
        match self._rng.randrange(10):
            case 0:
                self.kills += 1
                self._renew()
            case 1:
                assert self.cluster.stop() == 0
                self._renew()
            case _:
                alive = [pid for role in ROLES for pid in self.cluster.role(role)]
                self.kills += bool(alive) and self.cluster.kill(self._rng.choice(alive))

    def stop(self) -> int:
        """Stop it and return its exit code."""
        return self.cluster.stop()

    def close(self) -> None:
        """Kill whatever is left."""
        self._stack.close()

    def _renew(self) -> None:
        self._stack.close()
        self.cluster = self._start()

    def _start(self) -> ClusterProcess:
        return self._stack.enter_context(self._site.cluster())


@contextmanager
def _disturbed(site: Site, rng: random.Random) -> Iterator[Disturbed]:
    disturbed = Disturbed(site, rng)
    try:
        yield disturbed
    finally:
        disturbed.close()


def _feed(site: Site, mixture: Mixture, seconds: int) -> int:
    """Enqueue the mixture at its pace and return how many calls that were."""
    sent = 0
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        count = int(min(PORTION, left) * PER_SECOND)
        if not count:
            break
        site.call("enqueue_paced", mixture.calls(sent, count), PER_SECOND, seconds=20 * PORTION)
        sent += count
    return sent


def _soak(site: Site, mixture: Mixture, disturbed: Disturbed, seconds: int) -> int:
    """Feed and disturb for so many seconds; return how many calls that were."""
    with ThreadPoolExecutor(1) as pool:
        feeding = pool.submit(_feed, site, mixture, seconds)
        due = time.monotonic() + BETWEEN_KILLS
        while not feeding.done():
            time.sleep(max(0.0, min(1.0, due - time.monotonic())))
            if time.monotonic() >= due:
                due += BETWEEN_KILLS
                disturbed.disturb()
        return feeding.result()


@pytest.mark.parametrize("vendor", [POSTGRESQL, REDIS_RECEIPTS])
def test_r15_a_soak_loses_nothing_and_stays_flat(make_site: MakeSite, rng: random.Random, vendor: str) -> None:
    seconds = int(os.environ.get(SECONDS) or HOUR)
    site = make_site(vendor, q_cluster={**Q_CLUSTER, "enqueue_on_commit": vendor == REDIS_RECEIPTS})
    mixture = Mixture(rng)
    with site.cluster() as quiet, _disturbed(site, rng) as disturbed:
        quiet.everybody(WORKERS)
        sessions = {"left alone": lambda: quiet.pid, "disturbed": lambda: disturbed.cluster.pid}
        with Sampler(sessions, max(1.0, seconds / 360)) as sampler:
            calls = _soak(site, mixture, disturbed, seconds)
        wait_until(lambda: site.call("counts")[2] == 0, 300, lambda: f"all done: {site.ledger()}", 1.0)
        ledger = site.ledger()
        grown = {f"{name}, {axis}": curves.growth(sampler.samples[name], axis) for name in sessions for axis in AXES}
        most = max(grown, key=grown.__getitem__)
        report(
            ledger, calls=calls, minutes=seconds // 60, killed=disturbed.kills, most_grown=f"{most}: {grown[most]:.0%}"
        )
        if path := os.environ.get(CURVES):
            curves.keep(Path(path), vendor, sampler.samples)
        assert ledger.differences(kills=disturbed.kills * HELD, poison=mixture.poison) == []
        assert sum("signature" in reason for reason in ledger.failures.values()) == mixture.foreign
        assert not [label for label in ledger.started if label.startswith(("ghost", "foreign"))]
        assert {figure: share for figure, share in grown.items() if share > FLAT} == {}
        assert [quiet.stop(), disturbed.stop()] == [0, 0]
