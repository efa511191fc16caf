"""R7: the server of the broker is killed and frozen."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.chaos.scenarios import CONSUMING, RETRY, kill_and_freeze, take_away
from tests.chaos.servers import site_on_own_server
from tests.chaos.sizes import short_and_full
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, MakeSite
from tests.harness.sites import Site
from tests.services.fixtures import StartValkey
from tests.services.killable import Killable
from tests.services.valkey import ValkeyServer

OnOwnServer = AbstractContextManager[tuple[Site, Killable | ValkeyServer]]


def _on_redis(make_site: MakeSite, start_valkey: StartValkey, time_out: int) -> OnOwnServer:
    server = start_valkey(appendonly="yes")
    site = make_site(REDIS_RECEIPTS, server=server, socket_timeout=time_out, q_cluster={"retry": RETRY})
    return nullcontext((site, server))


def _on_database(vendor: str, folder: Path) -> OnOwnServer:
    folder.mkdir()
    return site_on_own_server(vendor, folder, q_cluster={"retry": RETRY})


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
    longest = time_out + 0.5 if is_redis else frozen + CONSUMING
    with own as (site, server):
        take_away(site, kill_and_freeze(server, outages, frozen), rng, each * outages, longest)
