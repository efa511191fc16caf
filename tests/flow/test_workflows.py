"""Iters, chains and groups in real clusters."""

from __future__ import annotations

import pytest

from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_LIST, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.sites import Site
from tests.services.valkey import ValkeyServer

everywhere = pytest.mark.parametrize("vendor", [SQLITE, POSTGRESQL, MARIADB, REDIS_LIST, REDIS_RECEIPTS])
on_some = pytest.mark.parametrize("vendor", [SQLITE, REDIS_RECEIPTS])
LABELS = [f"part-{n}" for n in range(150)]


def _once_each(site: Site, labels: list[str]) -> None:
    assert {label: count for label, count in site.ledger().started.items() if label in labels} == dict.fromkeys(
        labels, 1
    )


@everywhere
def test_an_iter_is_one_result_and_a_chain_goes_link_by_link(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    iter_id = site.call("enqueue_iter", "mark", LABELS)
    with site.cluster() as cluster:
        assert site.call("iter_of", iter_id, 30_000) == [True, LABELS]
        said = site.call("run_chain", [["mark", f"link-{n}"] for n in range(4)], 30_000)
        links = [f"link-{n}" for n in range(4)]
        assert said == {"result": links, "success": [True] * 4, "current": 4, "group": links}
        site.wait_counts(5)
        assert cluster.stop() == 0
    _once_each(site, [*LABELS, *links])
    assert site.call("parts_left") == 0


@everywhere
def test_who_waits_for_a_chain_that_was_stopped_waits_no_longer(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"max_attempts": 1})
    with site.cluster() as cluster:
        said = site.call("run_chain", [["mark", "first"], ["fail", "second"], ["mark", "third"]], 30_000)
        assert said == {"result": ["first"], "success": [True, False], "current": 2, "group": ["first"]}
        links = [["fail", "a"], ["mark", "b"], ["fail", "c"], ["mark", "d"]]
        said = site.call("run_chain", links, 30_000, on_failure="continue")
        assert said == {"result": ["b", "d"], "success": [False, True, False, True], "current": 4, "group": ["b", "d"]}
        assert cluster.stop() == 0
    assert not site.oracle.of("third")
    _once_each(site, ["first", "second", *"abcd"])


@on_some
@pytest.mark.parametrize("save_limit", [-1, 1])
def test_a_chain_goes_on_and_ends_whatever_is_kept(make_site: MakeSite, vendor: str, save_limit: int) -> None:
    site = make_site(vendor, q_cluster={"save_limit": save_limit})
    links = [f"link-{n}" for n in range(5)]
    with site.cluster() as cluster:
        said = site.call("run_chain", [["mark", label] for label in links], 30_000)
        assert set(said["result"]) <= set(links)
        assert cluster.stop() == 0
    _once_each(site, links)


@on_some
def test_a_chain_whose_link_succeeds_at_last_goes_on(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        site.call("run_chain", [["fail_until", "first", 3], ["mark", "second"]], 30_000)
        site.wait_counts(2)
        assert cluster.stop() == 0
    assert site.ledger().started == {"first": 3, "second": 1}
    assert site.call("parts_left") == 0


@on_some
def test_a_part_that_succeeds_at_last_makes_its_iter_a_success(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"backoff": 1})
    iter_id = site.call("enqueue_iter", "fail_until", ["first", "second"], 2)
    with site.cluster() as cluster:
        success, results = site.call("iter_of", iter_id, 30_000)
        assert success is False
        assert all("start 1 of" in text for text in results)
        site.wait_counts(1)
        assert site.call("iter_of", iter_id) == [True, [2, 2]]
        assert cluster.stop() == 0
    assert site.call("parts_left") == 0


@pytest.mark.parametrize("vendor", [POSTGRESQL, REDIS_RECEIPTS])
def test_two_clusters_collate_every_iter_and_lose_no_member_of_a_group(
    make_site: MakeSite, valkey_server: ValkeyServer, vendor: str
) -> None:
    cache = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _url(valkey_server)}}
    site = make_site(vendor, CACHES=cache)
    iters: dict[str, list[str]] = {}
    for number in range(6):
        labels = [f"{number}-{n}" for n in range(60)]
        iters[site.call("enqueue_iter", "mark", labels, cached=bool(number % 2))] = labels
    members = [f"member-{n}" for n in range(200)]
    site.call("enqueue_many", "mark", members, group="g", cached=True)
    with site.cluster() as first, site.cluster() as second:
        for number, (iter_id, labels) in enumerate(iters.items()):
            assert site.call("iter_of", iter_id, 30_000, cached=bool(number % 2)) == [True, labels]
        found = site.call("group_results", "g", 200, cached=True)
        assert sorted(found) == sorted(members)
        assert [cluster.stop() for cluster in (first, second)] == [0, 0]
    _once_each(site, [label for labels in [members, *iters.values()] for label in labels])
    assert site.call("parts_left") == 0


def _url(server: ValkeyServer) -> str:
    settings = server.settings()
    return f"unix://{settings['unix_socket_path']}?db={settings['db']}"
