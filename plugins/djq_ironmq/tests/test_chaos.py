"""R1, R3, R6 and R7 on IronMQ, in a smaller size."""

from __future__ import annotations

import random

import pytest

from plugins.djq_ironmq.tests.conftest import site_on
from tests.chaos.scenarios import (
    AFTER_SAVE,
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
from tests.services.fixtures import StartIron
from tests.services.ironmq import IronServer

ON = ["ironmq"]
LONG = 600


@short_and_full("tasks, kills", (200, 4), (2_000, 40), seconds=LONG, vendors=ON)
def test_r1_killed_workers_lose_nothing(
    iron_server: IronServer, make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_workers(site_on(iron_server, make_site, max_crashes=20), rng, tasks, kills, 0.01)


@short_and_full(
    "point, tasks, chains, kills",
    (AFTER_SAVE, 20, 5, 2),
    *((point, 800, 30, 5) for point in POINTS),
    seconds=LONG,
    vendors=ON,
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    iron_server: IronServer, make_site: MakeSite, vendor: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    kill_monitors(site_on(iron_server, make_site), point, tasks, chains, kills)


@short_and_full("tasks, kills", (120, 2), (1_000, 8), seconds=LONG, vendors=ON)
def test_r6_a_killed_group_loses_nothing(
    iron_server: IronServer, make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_clusters(site_on(iron_server, make_site, retry=RETRY), rng, tasks, kills)


@short_and_full("outages, each, frozen, time_out", (1, 300, 1, 0.7), (3, 1_200, 6, 3), seconds=LONG, vendors=ON)
def test_r7_what_was_accepted_outlives_the_server(
    start_iron: StartIron,
    make_site: MakeSite,
    rng: random.Random,
    vendor: str,
    outages: int,
    each: int,
    frozen: float,
    time_out: float,
) -> None:
    server = start_iron()
    site = site_on(server, make_site, time_out, retry=RETRY)
    take_away(site, kill_and_freeze(server, outages, frozen), rng, each * outages, time_out + 1.0, per_second=60)


@pytest.mark.chaos
def test_a_cluster_that_waits_for_its_server_begins_when_it_is_there(
    start_iron: StartIron, make_site: MakeSite
) -> None:
    server = start_iron()
    begin_without(site_on(server, make_site, 1.0, retry=RETRY), server)
