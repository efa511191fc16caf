"""Iters and chains while processes are killed; and a large iter."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.chaos import record
from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import POSTGRESQL, REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import END
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

SHORT_ON = (POSTGRESQL, REDIS_RECEIPTS)
HELD = WORKERS + WORKERS**2
#: Calls of an iter, and links that are not kept, have no rows of their own: the witness alone tells that none is lost.
NO_ROWS = ("lost",)
#: A monitor that keeps dying early is started again after a pause of up to 5 s: eight deaths take half a minute.
PATIENCE = 180


def _enqueue_iters(site: Site, iters: int, size: int, seconds: float = 0.005) -> dict[str, list[str]]:
    every = [[f"iter-{number}-{n}" for n in range(size)] for number in range(iters)]
    return {site.call("enqueue_iter", "mark", labels, seconds): labels for labels in every}


def _assert_collated(site: Site, iters: dict[str, list[str]]) -> None:
    for iter_id, labels in iters.items():
        assert site.call("iter_of", iter_id, 1000 * PATIENCE, seconds=PATIENCE + 5) == [True, labels]


@pytest.mark.parametrize("point", ["monitor.before_save", "monitor.before_collate", "monitor.after_collate"])
@short_and_full("iters, size, kills", (6, 20, 3), (20, 50, 8), seconds=300, vendors=EVERYWHERE, short_on=SHORT_ON)
def test_a_killed_monitor_costs_an_iter_nothing(
    make_site: MakeSite, vendor: str, point: str, iters: int, size: int, kills: int
) -> None:
    site = make_site(vendor)
    enqueued = _enqueue_iters(site, iters, size)
    fault = site.fault(f"{point}:kill", kills)
    with site.cluster(env=fault) as cluster:
        _assert_collated(site, enqueued)
        wait_until(lambda: site.call("parts_left") == 0, 20, lambda: f"{site.call('parts_left')} parts are left")
        assert not list(Path(fault["DJQ_FAULT_BUDGET"]).iterdir())
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, without=NO_ROWS, point=point, kills=kills)
    assert not ledger.extra_starts
    assert site.call("counts") == [iters, 0, 0]


@short_and_full("iters, size, kills", (3, 60, 6), (20, 200, 100), seconds=300, vendors=EVERYWHERE, short_on=SHORT_ON)
def test_a_killed_worker_costs_an_iter_one_run(
    make_site: MakeSite, vendor: str, iters: int, size: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"max_crashes": 20})
    enqueued = _enqueue_iters(site, iters, size)
    with site.cluster(env=site.fault("worker.after_execute:kill", kills)) as cluster:
        wait_until(
            lambda: (
                [site.call("iter_of", iter_id) for iter_id in enqueued] == [[True, each] for each in enqueued.values()]
            ),
            60,
            "every iter is a success",
            0.1,
        )
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, without=NO_ROWS, kills=kills)
    assert ledger.extra_starts.total() == kills
    assert (site.call("parts_left"), site.call("counts")) == (0, [iters, 0, 0])


@short_and_full("chains, length, kills", (8, 6, 3), (60, 10, 10), seconds=600, vendors=EVERYWHERE, short_on=SHORT_ON)
def test_chains_and_iters_go_on_after_their_cluster_was_killed(
    make_site: MakeSite, rng: random.Random, vendor: str, chains: int, length: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": 3, "max_crashes": 20})
    iters = _enqueue_iters(site, 2, chains * length // 2, 0.02)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], length, 0.02)
    whole = 2 * chains * length
    for _ in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + rng.randrange(1, whole // (2 * kills)))
            cluster.kill_all()
    with site.cluster() as cluster:
        site.wait_counts(chains * length + len(iters), seconds=120)
        _assert_collated(site, iters)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, without=NO_ROWS, kills=kills)
    assert set(ledger.enqueued) == set(ledger.finished)
    assert ledger.extra_starts.total() <= kills * HELD
    _assert_in_order(site, chains, length)


def _assert_in_order(site: Site, chains: int, length: int) -> None:
    for chain in range(chains):
        labels = [f"chain-{chain}:{link}" for link in range(length)]
        ends = [site.oracle.at(label, END) for label in labels]
        assert ends == sorted(ends)


@short_and_full("chains, kills", (3, 2), (20, 10), seconds=300, vendors=EVERYWHERE, short_on=(REDIS_RECEIPTS,))
def test_chains_go_on_after_their_cluster_was_killed_between_a_save_and_its_link(
    make_site: MakeSite, vendor: str, chains: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": 2, "timeout": 1, "max_crashes": 20})
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 4, 0.005)
    for _ in range(kills):
        with site.cluster(env=site.fault("monitor.before_link:killpg", 1)) as cluster:
            assert cluster.wait_ended() == -signal.SIGKILL
    with site.cluster() as cluster:
        site.wait_counts(4 * chains, seconds=60)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, kills=kills)
    assert set(ledger.enqueued) == set(ledger.finished)
    assert ledger.extra_starts.total() <= kills * HELD
    _assert_in_order(site, chains, 4)


@short_and_full("chains, kills", (10, 3), (100, 10), seconds=300, vendors=EVERYWHERE, short_on=SHORT_ON)
def test_a_chain_that_is_not_kept_goes_on_under_kills_of_the_monitor(
    make_site: MakeSite, vendor: str, chains: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"save_limit": -1})
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 4, 0.005)
    with site.cluster(env=site.fault("monitor.after_save:kill", kills)) as cluster:
        site.wait_done(4 * chains, PATIENCE)
        wait_until(lambda: site.call("sizes") == [0, 0], 30, "everything is answered", 0.1)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, without={*NO_ROWS, "stored"}, kills=kills)
    assert set(ledger.finished) == set(ledger.enqueued)
    assert ledger.extra_starts.total() <= kills


@short_and_full("size", (1_200,), (100_000,), seconds=900, vendors=EVERYWHERE, short_on=SHORT_ON)
def test_a_large_iter_is_enqueued_in_bulk_and_collated(make_site: MakeSite, vendor: str, size: int) -> None:
    site = make_site(vendor)
    iter_id, seconds = site.call("enqueue_numbers", size, seconds=300)
    with site.cluster() as first, site.cluster() as second:
        assert site.call("wait_for_numbers", iter_id, size, 800_000, seconds=800)
        wait_until(lambda: site.call("parts_left") == 0, 60, "the parts are deleted", 0.1)
        assert [cluster.stop() for cluster in (first, second)] == [0, 0]
    record.note(size=size, **{"enqueued in": f"{seconds:.2f} s"})
    assert site.call("counts") == [1, 0, 0]
