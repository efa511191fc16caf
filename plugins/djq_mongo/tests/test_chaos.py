"""R1, R3, R6 and R7 on servers of MongoDB's protocol, in a smaller size."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.scenarios import (
    AFTER_HOOK,
    POINTS,
    RETRY,
    begin_without,
    kill_and_freeze,
    kill_clusters,
    kill_monitors,
    kill_workers,
    take_away,
)
from tests.chaos.sizes import short_and_full
from tests.harness.fixtures import MakeSite
from tests.harness.sites import Site
from tests.services.fixtures import StartMongo
from tests.services.mongo import NX, SECANTUS, MongoServer

ON = [SECANTUS, NX]
LONG = 600

Shared = Callable[[str], MongoServer]


def site_on(server: MongoServer, make_site: MakeSite, time_out: int = 0, **q_cluster: Any) -> Site:
    """Make a site whose queue is on a server, with a time-out of its own in seconds if any."""
    return make_site(
        broker=server.settings(**({"timeoutMS": time_out * 1000} if time_out else {})), q_cluster=q_cluster
    )


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Shared:
    """Give the server of this kind that the test run has."""
    names = {SECANTUS: "secantus_server", NX: "nx_server"}
    return lambda kind: request.getfixturevalue(names[kind])


@short_and_full("tasks, kills", (150, 4), (2_000, 40), seconds=LONG, vendors=ON, short_on=[NX])
def test_r1_killed_workers_lose_nothing(
    make_site: MakeSite, shared: Shared, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_workers(site_on(shared(vendor), make_site, max_crashes=20), rng, tasks, kills)


@short_and_full(
    "point, tasks, chains, kills",
    (AFTER_HOOK, 24, 8, 2),
    *((point, 800, 30, 5) for point in POINTS),
    seconds=LONG,
    vendors=ON,
    short_on=[SECANTUS],
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    make_site: MakeSite, shared: Shared, vendor: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    kill_monitors(site_on(shared(vendor), make_site), point, tasks, chains, kills)


@short_and_full("tasks, kills", (80, 1), (1_000, 8), seconds=LONG, vendors=ON, short_on=[NX])
def test_r6_a_killed_group_loses_nothing(
    make_site: MakeSite, shared: Shared, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_clusters(site_on(shared(vendor), make_site, retry=RETRY), rng, tasks, kills)


@short_and_full(
    "outages, each, frozen, time_out",
    (1, 150, 2, 1),
    (3, 1_000, 8, 3),
    seconds=LONG,
    vendors=ON,
    short_on=[SECANTUS],
)
def test_r7_what_was_accepted_outlives_the_server(
    make_site: MakeSite,
    start_mongo: StartMongo,
    rng: random.Random,
    vendor: str,
    outages: int,
    each: int,
    frozen: int,
    time_out: int,
) -> None:
    server = start_mongo(vendor)
    site = site_on(server, make_site, time_out, retry=RETRY)
    take_away(site, kill_and_freeze(server, outages, frozen), rng, each * outages, time_out + 1.0, per_second=50)


def test_a_cluster_that_waits_for_its_server_begins_when_it_is_there(
    make_site: MakeSite, start_mongo: StartMongo
) -> None:
    server = start_mongo(NX)
    begin_without(site_on(server, make_site, 1, retry=RETRY), server)
