"""R7: the server of the broker is killed and frozen."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.sizes import report, short_and_full
from tests.harness.fixtures import REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import END, PUT
from tests.harness.sites import Site
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartValkey
from tests.services.valkey import ValkeyServer

RETRY = 3
#: Seconds after which a cluster consumes again once its server is back.
BACK = 5.0


def _wait_consuming(site: Site) -> float:
    """Wait until one more task has ended; return the seconds it took."""
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, BACK, "it consumes again")


def _disturb(site: Site, server: ValkeyServer, outages: int, frozen: float, rng: random.Random) -> list[float]:
    """Kill and freeze the server in turn; return how long each comeback took."""
    took = []
    for _ in range(outages):
        time.sleep(rng.uniform(0.5, 1.5))
        server.kill()
        time.sleep(rng.uniform(0.0, 1.0))
        server.start()
        took.append(_wait_consuming(site))
        server.pause()
        time.sleep(frozen)
        server.resume()
        took.append(_wait_consuming(site))
    return took


@short_and_full("outages, frozen, time_out", (1, 3, 1), (10, 10, 5), seconds=900, vendors=(REDIS_RECEIPTS,))
def test_r7_what_was_accepted_outlives_the_server(
    make_site: MakeSite,
    start_valkey: StartValkey,
    rng: random.Random,
    vendor: str,
    outages: int,
    frozen: int,
    time_out: int,
) -> None:
    server = start_valkey(appendonly="yes")
    site = make_site(vendor, server=server, socket_timeout=time_out, q_cluster={"retry": RETRY})
    labels = [f"task-{n}" for n in range(2_000 * outages)]
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels, 100.0, seconds=600)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = _disturb(site, server, outages, frozen, rng)
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest=f"{longest:.1f} s", comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert longest <= time_out + 0.5
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths()
        assert cluster.stop() == 0
