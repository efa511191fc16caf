"""Conf: read from Q_CLUSTER, validated, frozen."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from djq_core.conf import CORE_KEYS, KEYS, KNOWN_PLUGIN_KEYS, Conf
from djq_core.exceptions import ConfigurationError
from tests.conf.making import KEY, conf, found, problems

MANUAL = {
    "name": "myproject",
    "workers": 8,
    "recycle": 500,
    "timeout": 60,
    "compress": True,
    "save_limit": 250,
    "queue_limit": 500,
    "label": "Django Q",
    "redis": {"host": "127.0.0.1", "port": 6379, "db": 0},
}

DEFAULTS = {
    "name": "default",
    "label": "Django Q",
    "daemonize_workers": True,
    "recycle": 500,
    "max_rss": None,
    "cpu_affinity": None,
    "guard_cycle": 0.5,
    "stop_timeout": None,
    "start_method": None,
    "log_level": "INFO",
    "alt_clusters": {},
    "timeout": None,
    "timeout_grace": 2.0,
    "hook_timeout": 300,
    "sync": False,
    "allowed_functions": None,
    "enqueue_on_commit": False,
    "compress": False,
    "max_package_bytes": 256 * 1024 * 1024,
    "serializer": "pickle",
    "accept_serializers": {"pickle", "json"},
    "max_nesting_depth": 100,
    "result_backend": "database",
    "retry": 60,
    "renew_leases": True,
    "backoff": None,
    "ack_failures": False,
    "max_attempts": 0,
    "max_crashes": 3,
    "max_deliveries": 20,
    "save_limit": 250,
    "save_limit_per": None,
    "quarantine_limit": 1000,
    "cache": "default",
    "cached": False,
    "error_reporter": {},
    "broker": None,
    "broker_class": None,
    "bulk": None,
    "poll": None,
    "disabled_plugins": (),
    "scheduler": True,
    "catch_up": True,
    "time_zone": "UTC",
    "use_tz": True,
    "faults": "",
    "plugin_settings": {},
    "secret_key_fallbacks": (),
}

NAMES_OF_PUBLIC_THINGS = {
    "log_level",
    "start_method",
    "time_zone",
    "serializer",
    "accept_serializers",
    "result_backend",
    "save_limit_per",
}


# Values


@pytest.mark.parametrize(("attribute", "value"), DEFAULTS.items())
def test_every_key_has_its_default(attribute: str, value: Any) -> None:
    assert getattr(conf(), attribute) == value


def test_no_default_is_forgotten_here() -> None:
    assert {key.attribute for key in KEYS.values()} - set(DEFAULTS) == {"workers", "queue_limit"}


def test_the_example_of_the_manual_is_read() -> None:
    made = conf(MANUAL)
    assert (made.name, made.workers, made.timeout, made.compress) == ("myproject", 8, 60, True)
    assert made.queue_limit == 500
    assert made.plugin_settings == {"redis": MANUAL["redis"]}


def test_workers_are_as_many_as_processors_and_the_queue_their_square() -> None:
    made = conf()
    assert made.workers == (os.cpu_count() or 4)
    assert made.queue_limit == made.workers**2


def test_the_queue_limit_follows_the_workers() -> None:
    assert conf(workers=3).queue_limit == 9
    assert conf(workers=3, queue_limit=5).queue_limit == 5


def test_none_is_the_default_where_it_is_allowed() -> None:
    keys: dict[str, Any] = {name: None for name, key in KEYS.items() if key.default is None}
    assert conf(keys) == conf()


def test_a_serializer_other_than_pickle_accepts_itself_alone() -> None:
    assert conf(serializer="json").accept_serializers == frozenset({"json"})


def test_accepted_serializers_are_frozen() -> None:
    accepted = conf(accept_serializers=["pickle"]).accept_serializers
    assert accepted == {"pickle"}
    assert isinstance(accepted, frozenset)


def test_the_time_zone_of_the_site_is_the_default() -> None:
    assert Conf.from_settings({}, secret_key=KEY, time_zone="Asia/Tokyo").time_zone == "Asia/Tokyo"
    there = Conf.from_settings({"time_zone": "Europe/Rome"}, secret_key=KEY, time_zone="Asia/Tokyo")
    assert there.time_zone == "Europe/Rome"


def test_what_is_beside_q_cluster_is_kept() -> None:
    made = Conf.from_settings({}, secret_key="new", secret_key_fallbacks=["old"], use_tz=False, faults="x@/tmp")
    assert (made.secret_key, made.secret_key_fallbacks, made.use_tz, made.faults) == ("new", ("old",), False, "x@/tmp")


def test_keys_of_plugins_are_kept_unread() -> None:
    given = {"sqs": object(), "queue_limt": 5, "workers": 1}
    assert conf(given).plugin_settings == {"sqs": given["sqs"], "queue_limt": 5}


def test_core_knows_no_key_of_a_plugin() -> None:
    assert not CORE_KEYS & set(KNOWN_PLUGIN_KEYS)
    assert KNOWN_PLUGIN_KEYS["sqs"] == "djq-sqs"
    assert KNOWN_PLUGIN_KEYS["redis_receipts"] == "djq-redis"


def test_the_states_are_plain_english() -> None:
    states = (Conf.STARTING, Conf.WORKING, Conf.IDLE, Conf.STOPPING, Conf.STOPPED)
    assert states == ("Starting", "Working", "Idle", "Stopping", "Stopped")


# A value


def test_conf_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        conf().workers = 2  # type: ignore[misc]


def test_conf_travels_to_another_process() -> None:
    made = conf(MANUAL, error_reporter={"sentry": {"dsn": "x"}}, ALT_CLUSTERS={"long": {"retry": 600}})
    arrived = pickle.loads(pickle.dumps(made))
    assert arrived == made
    assert arrived.for_cluster("long").retry == 600


def test_equal_configurations_are_one_key() -> None:
    assert len({conf(MANUAL), conf(MANUAL), conf()}) == 2


def test_settings_that_change_later_do_not_change_it() -> None:
    given = {"redis": 1, "ALT_CLUSTERS": {"long": {"retry": 600}}}
    made = conf(given)
    given["redis"] = 2
    given["ALT_CLUSTERS"]["long"]["retry"] = 5  # type: ignore[index]
    assert made.plugin_settings == {"redis": 1}
    assert made.alt_clusters["long"]["retry"] == 600
    assert made.for_cluster("long").retry == 600


def test_no_secret_is_in_the_repr() -> None:
    made = Conf.from_settings(
        {
            "redis": "redis://:hunter2@host",
            "error_reporter": {"sentry": {"dsn": "hunter2"}},
            "ALT_CLUSTERS": {"long": {"redis": "hunter2"}},
        },
        secret_key="hunter2",
        secret_key_fallbacks=["hunter2"],
    )
    assert "hunter2" not in repr(made)


# What is wrong


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"name": ""}, "djq.E003"),
        ({"name": 101 * "n"}, "djq.E003"),
        ({"label": 1}, "djq.E002"),
        ({"workers": -1}, "djq.E003"),
        ({"workers": "4"}, "djq.E002"),
        ({"daemonize_workers": "no"}, "djq.E002"),
        ({"recycle": 0}, "djq.E003"),
        ({"max_rss": 0}, "djq.E003"),
        ({"cpu_affinity": -1}, "djq.E003"),
        ({"queue_limit": 0}, "djq.E003"),
        ({"guard_cycle": 0}, "djq.E003"),
        ({"guard_cycle": 60}, "djq.E003"),
        ({"stop_timeout": -1}, "djq.E003"),
        ({"start_method": "thread"}, "djq.E004"),
        ({"log_level": "LOUD"}, "djq.E004"),
        ({"ALT_CLUSTERS": ["long"]}, "djq.E002"),
        ({"ALT_CLUSTERS": {"long": 5}}, "djq.E002"),
        ({"timeout": 0}, "djq.E003"),
        ({"timeout_grace": -0.1}, "djq.E003"),
        ({"hook_timeout": 0}, "djq.E003"),
        ({"hook_timeout": None}, "djq.E002"),
        ({"sync": 1}, "djq.E002"),
        ({"allowed_functions": "shop.tasks.*"}, "djq.E002"),
        ({"allowed_functions": ["*"]}, "djq.E003"),
        ({"compress": "yes"}, "djq.E002"),
        ({"max_package_bytes": 0}, "djq.E003"),
        ({"serializer": ""}, "djq.E003"),
        ({"accept_serializers": "pickle"}, "djq.E002"),
        ({"retry": 0}, "djq.E003"),
        ({"retry": None}, "djq.E002"),
        ({"renew_leases": None}, "djq.E002"),
        ({"backoff": -1}, "djq.E003"),
        ({"backoff": []}, "djq.E003"),
        ({"backoff": [1, "2"]}, "djq.E002"),
        ({"backoff": {"base": 2}}, "djq.E004"),
        ({"ack_failures": 0}, "djq.E002"),
        ({"max_attempts": -1}, "djq.E003"),
        ({"max_crashes": 0}, "djq.E003"),
        ({"max_deliveries": 0}, "djq.E003"),
        ({"save_limit": -2}, "djq.E003"),
        ({"save_limit_per": "task"}, "djq.E004"),
        ({"quarantine_limit": 0}, "djq.E003"),
        ({"cache": None}, "djq.E002"),
        ({"cached": -60}, "djq.E003"),
        ({"error_reporter": {"sentry": "dsn"}}, "djq.E002"),
        ({"broker": ""}, "djq.E003"),
        ({"broker_class": "CustomBroker"}, "djq.E003"),
        ({"bulk": 0}, "djq.E003"),
        ({"poll": 0}, "djq.E003"),
        ({"disabled_plugins": "djq-sqs"}, "djq.E002"),
        ({"scheduler": None}, "djq.E002"),
        ({"catch_up": 1}, "djq.E002"),
        ({"time_zone": "Mars"}, "djq.E004"),
    ],
)
def test_a_wrong_value_is_one_problem_of_its_key(keys: dict[str, Any], code: str) -> None:
    (problem,) = problems(keys)
    assert (problem.code, problem.key) == (code, next(iter(keys)))
    assert problem.message.startswith(f"`{problem.key}` must be ")
    assert problem.hint.endswith((".", "?"))


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_refuses_what_it_cannot_be(key: str) -> None:
    assert found({key: object()})[0][1] == key


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_start_methods_of_this_platform_are_taken(method: str) -> None:
    assert conf(start_method=method).start_method == method


@pytest.mark.parametrize("key", ["cluster_name", "testing"])
def test_a_key_of_django_q2_that_is_not_taken_says_why(key: str) -> None:
    (problem,) = problems({key: "x"})
    assert (problem.code, problem.key) == ("djq.E007", key)
    assert problem.message.startswith(f"`{key}` is not taken: ")


def test_all_problems_are_told_at_once() -> None:
    assert found(workers=-1, retry="x", broker="a", broker_class="a.B") == [
        ("djq.E003", "workers"),
        ("djq.E002", "retry"),
        ("djq.E005", "broker"),
    ]
    with pytest.raises(ConfigurationError, match=r"(?s)`workers` must.*djq\.E003.*`retry` must.*djq\.E002"):
        conf(workers=-1, retry="x")


def test_an_error_is_what_django_calls_improperly_configured() -> None:
    with pytest.raises(ImproperlyConfigured):
        conf(workers=0)


def test_a_warning_stops_nothing() -> None:
    assert found(workers=2, queue_limit=1) == [("djq.W002", "queue_limit")]
    assert conf(workers=2, queue_limit=1).queue_limit == 1


@pytest.mark.parametrize("q_cluster", [None, [], "redis", {1: 2}])
def test_what_is_no_dictionary_of_texts_is_one_problem(q_cluster: Any) -> None:
    (problem,) = Conf.problems(q_cluster, secret_key=KEY)
    assert (problem.code, problem.key) == ("djq.E001", "Q_CLUSTER")
    with pytest.raises(ConfigurationError, match="Q_CLUSTER must be a dictionary"):
        Conf.from_settings(q_cluster, secret_key=KEY)


@pytest.mark.parametrize("key", sorted(set(KEYS) - NAMES_OF_PUBLIC_THINGS))
@pytest.mark.parametrize("secret", ["hunter2", {"password": "hunter2"}, {"sentry": "hunter2"}, ["hunter2"]])
def test_no_message_shows_what_may_be_a_secret(key: str, secret: Any) -> None:
    given = {"redis": "hunter2", "error_reporter": {"a": {"token": "hunter2"}}, key: secret, "workers": 0}
    told = Conf.problems(given, secret_key="hunter2", secret_key_fallbacks=["hunter2"])
    assert told
    assert "hunter2" not in repr(told)
