"""Several clusters of one site: ALT_CLUSTERS, and the name that the environment gives."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.conf import Conf
from djq_core.exceptions import ConfigurationError
from tests.conf.making import KEY, conf, found, problems

SITE: dict[str, Any] = {
    "name": "site",
    "workers": 2,
    "retry": 60,
    "orm": "default",
    "ALT_CLUSTERS": {
        "long": {"workers": 3, "retry": 3600, "time_zone": "Europe/Rome"},
        "mail": {"orm": "mails"},
    },
}


def named(name: str | None) -> Conf:
    return Conf.from_settings(SITE, secret_key=KEY, time_zone="Asia/Tokyo", cluster_name=name)


@pytest.mark.parametrize("name", [None, "", " ", "site"])
def test_without_a_name_of_its_own_it_is_the_main_cluster(name: str | None) -> None:
    made = named(name)
    assert (made.name, made.workers, made.retry, made.queue_limit) == ("site", 2, 60, 4)


def test_a_name_in_alt_clusters_lays_its_keys_over() -> None:
    made = named("long")
    assert (made.name, made.workers, made.retry, made.queue_limit) == ("long", 3, 3600, 9)
    assert made.time_zone == "Europe/Rome"
    assert made.plugin_settings == {"orm": "default"}


def test_keys_of_plugins_are_laid_over_too() -> None:
    assert named("mail").plugin_settings == {"orm": "mails"}


def test_another_name_is_a_cluster_like_the_main_one() -> None:
    made = named("else")
    assert (made.name, made.workers, made.retry) == ("else", 2, 60)


def test_one_cluster_finds_the_others() -> None:
    main = named(None)
    assert main.for_cluster("long") == named("long")
    assert main.for_cluster("long").for_cluster("mail") == named("mail")
    assert main.for_cluster("long").for_cluster("site") == main


def test_a_cluster_finds_itself() -> None:
    main, other = named(None), named("else")
    assert main.for_cluster("site") is main
    assert other.for_cluster("else") is other


def test_a_cluster_keeps_what_is_beside_q_cluster() -> None:
    surroundings: dict[str, Any] = {
        "secret_key": "new",
        "secret_key_fallbacks": ["old"],
        "use_tz": False,
        "faults": "f",
    }
    made = Conf.from_settings(SITE, **surroundings).for_cluster("mail")
    assert (made.secret_key, made.secret_key_fallbacks, made.use_tz, made.faults) == ("new", ("old",), False, "f")


@pytest.mark.parametrize("name", [None, "mail", "else"])
def test_every_cluster_knows_the_configured_ones(name: str | None) -> None:
    assert named(name).clusters == {"site", "long", "mail"}


def test_an_unknown_cluster_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(ConfigurationError, match=r"no cluster 'lnog'\. There are: long, mail, site"):
        named(None).for_cluster("lnog")


# What is wrong


def test_a_wrong_value_is_told_with_its_cluster() -> None:
    (problem,) = problems(ALT_CLUSTERS={"long": {"retry": -1}})
    assert (problem.code, problem.key) == ("djq.E003", "ALT_CLUSTERS.long.retry")
    assert problem.message.startswith("ALT_CLUSTERS['long']: `retry` must be")


def test_a_contradiction_with_a_key_of_the_main_cluster_is_told() -> None:
    assert found(timeout=30, ALT_CLUSTERS={"long": {"renew_leases": False, "retry": 20}}) == [
        ("djq.E006", "ALT_CLUSTERS.long.retry")
    ]


def test_what_is_wrong_in_the_main_cluster_is_told_once() -> None:
    assert found(workers=0, ALT_CLUSTERS={"a": {}, "b": {}}) == [("djq.E003", "workers")]


def test_a_wrong_cluster_stops_the_others() -> None:
    with pytest.raises(ConfigurationError, match=r"ALT_CLUSTERS\['long'\]"):
        conf(ALT_CLUSTERS={"long": {"retry": -1}})


@pytest.mark.parametrize(
    ("clusters", "reason"),
    [
        ({"default": {}}, "'default' is the name of the main cluster too"),
        ({"long": {"name": "short"}}, "'long' has another `name` inside"),
        ({"long": {"ALT_CLUSTERS": {}}}, "'long' holds ALT_CLUSTERS itself"),
    ],
)
def test_an_ambiguous_cluster_is_refused(clusters: Any, reason: str) -> None:
    (problem,) = problems(ALT_CLUSTERS=clusters)
    assert problem.code == "djq.E008"
    assert reason in problem.message


def test_its_own_name_may_be_repeated() -> None:
    assert problems(ALT_CLUSTERS={"long": {"name": "long"}}) == []
