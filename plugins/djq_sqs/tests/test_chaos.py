"""R1, R3, R6 and R7 on SQS, in a smaller size; it is the way to SQS that is taken away."""

from __future__ import annotations

import random

import pytest

from plugins.djq_sqs.tests.conftest import site_on
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
from tests.services.gateway import Gateway
from tests.services.ministack import MiniStack

ON = ["sqs"]
LONG = 600
#: Seconds that a call may take where the way to SQS is closed.
TIME_OUT = 3


@short_and_full("tasks, kills", (60, 3), (2_000, 40), seconds=LONG, vendors=ON)
def test_r1_killed_workers_lose_nothing(
    make_site: MakeSite, sqs_server: MiniStack, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_workers(site_on(sqs_server, make_site, max_crashes=20), rng, tasks, kills)


@short_and_full(
    "point, tasks, chains, kills",
    (AFTER_SAVE, 20, 6, 2),
    *((point, 800, 30, 5) for point in POINTS),
    seconds=LONG,
    vendors=ON,
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    make_site: MakeSite, sqs_server: MiniStack, vendor: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    kill_monitors(site_on(sqs_server, make_site), point, tasks, chains, kills)


@short_and_full("tasks, kills", (60, 1), (1_000, 8), seconds=LONG, vendors=ON)
def test_r6_a_killed_group_loses_nothing(
    make_site: MakeSite, sqs_server: MiniStack, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_clusters(site_on(sqs_server, make_site, retry=RETRY), rng, tasks, kills)


@short_and_full("outages, each, frozen", (1, 250, 4), (3, 1_000, 8), seconds=LONG, vendors=ON)
def test_r7_what_was_accepted_outlives_an_outage(
    make_site: MakeSite,
    sqs_gateway: Gateway,
    rng: random.Random,
    vendor: str,
    outages: int,
    each: int,
    frozen: int,
) -> None:
    site = site_on(sqs_gateway, make_site, TIME_OUT, retry=RETRY)
    take_away(site, kill_and_freeze(sqs_gateway, outages, frozen), rng, each * outages, TIME_OUT + 1.0, per_second=40)


@pytest.mark.chaos
def test_a_cluster_that_waits_for_its_server_begins_when_it_is_there(make_site: MakeSite, sqs_gateway: Gateway) -> None:
    begin_without(site_on(sqs_gateway, make_site, TIME_OUT, retry=RETRY), sqs_gateway)
