"""R7: the server of the broker is killed and frozen."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.chaos.servers import site_on_own_server
from tests.chaos.sizes import report, short_and_full
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import END, PUT
from tests.harness.sites import Site
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartValkey
from tests.services.killable import Killable
from tests.services.valkey import ValkeyServer

RETRY = 3
#: Seconds after which a cluster consumes again once its server is back.
BACK = 5.0

OnOwnServer = AbstractContextManager[tuple[Site, Killable | ValkeyServer]]


def _on_redis(make_site: MakeSite, start_valkey: StartValkey, time_out: int) -> OnOwnServer:
    server = start_valkey(appendonly="yes")
    site = make_site(REDIS_RECEIPTS, server=server, socket_timeout=time_out, q_cluster={"retry": RETRY})
    return nullcontext((site, server))


def _on_database(vendor: str, folder: Path) -> OnOwnServer:
    folder.mkdir()
    return site_on_own_server(vendor, folder, q_cluster={"retry": RETRY})


def _wait_consuming(site: Site) -> float:
    """Wait until one more task has ended; return the seconds it took."""
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, BACK, "it consumes again")


def _disturb(
    site: Site, server: Killable | ValkeyServer, outages: int, frozen: float, rng: random.Random
) -> list[float]:
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


@short_and_full(
    "outages, each, frozen, time_out",
    (1, 800, 3, 1),
    (10, 2_000, 10, 5),
    seconds=1_200,
    vendors=(POSTGRESQL, MARIADB, REDIS_RECEIPTS),
    short_on=(REDIS_RECEIPTS,),
)
def test_r7_what_was_accepted_outlives_the_server(
    make_site: MakeSite,
    start_valkey: StartValkey,
    rng: random.Random,
    tmp_path: Path,
    vendor: str,
    outages: int,
    each: int,
    frozen: int,
    time_out: int,
) -> None:
    """An enqueue on Redis has a time-out; on a database it waits as long as the server is frozen and is then right."""
    is_redis = vendor == REDIS_RECEIPTS
    own = _on_redis(make_site, start_valkey, time_out) if is_redis else _on_database(vendor, tmp_path / "own")
    labels = [f"task-{n}" for n in range(each * outages)]
    with own as (site, server), site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels, 100.0, seconds=900)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = _disturb(site, server, outages, frozen, rng)
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest_call=f"{longest:.1f} s", longest_comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert longest <= (time_out + 0.5 if is_redis else frozen + BACK)
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0
