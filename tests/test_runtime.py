"""The composition root: everything from one Conf."""

from __future__ import annotations

import dataclasses
import pickle
import threading

import pytest

from djq_core.brokers import Broker
from djq_core.exceptions import ConfigurationError, UnknownSerializer
from djq_core.runtime import build_runtime, registry_problems
from tests.conf.making import conf
from tests.making import MemoryBroker, new_shelf, runtime_of


def test_a_broker_is_built_with_its_settings_and_new_each_time() -> None:
    runtime = runtime_of(name="main", retry=30, poll=0.5, bulk=4)
    broker = runtime.broker()
    assert isinstance(broker, MemoryBroker)
    settings = broker.settings
    assert (settings.list_key, settings.lease, settings.poll, settings.bulk) == ("main", 30.0, 0.5, 4)
    assert runtime.broker("other").list_key == "other"
    assert runtime.broker() is not broker


class Owner(MemoryBroker):
    conf_keys = ("mine", "also_mine")


def test_a_broker_is_given_its_own_keys_alone() -> None:
    runtime = runtime_of(broker=Owner, mine=1, foreign=2)
    assert runtime.broker().settings.options == {"mine": 1}


def test_the_queue_of_another_cluster_is_where_that_cluster_s_keys_say() -> None:
    clusters = {"there": {"mine": 2, "retry": 90}, "here": {}}
    runtime = runtime_of(broker=Owner, name="main", mine=1, retry=30, ALT_CLUSTERS=clusters)
    settings = {name: runtime.broker(name).settings for name in ("main", "there", "here", "else")}
    assert {name: each.options for name, each in settings.items()} == {
        "main": {"mine": 1},
        "there": {"mine": 2},
        "here": {"mine": 1},
        "else": {"mine": 1},
    }
    assert {name: each.lease for name, each in settings.items()} == {"main": 30, "there": 90, "here": 30, "else": 30}
    assert {name for name, each in settings.items() if each.list_key == name} == set(settings)


def test_a_cluster_of_alt_clusters_finds_the_main_one() -> None:
    there = conf(broker="memory", name="main", mine=1, ALT_CLUSTERS={"there": {"mine": 2}}).for_cluster("there")
    runtime = dataclasses.replace(runtime_of(broker=Owner, mine=1), conf=there)
    assert runtime.broker("main").settings.options == {"mine": 1}
    assert runtime.broker().settings.options == {"mine": 2}


def test_a_thread_keeps_one_broker_a_queue() -> None:
    runtime, others = runtime_of(), list[Broker]()
    assert runtime.shared_broker() is runtime.shared_broker("default")
    assert runtime.shared_broker("other") is not runtime.shared_broker()
    thread = threading.Thread(target=lambda: others.append(runtime.shared_broker()))
    thread.start()
    thread.join()
    assert others[0] is not runtime.shared_broker()


def test_values_are_written_by_the_configured_serializer() -> None:
    assert runtime_of(serializer="json").dump({"a": 1}) == b'{"a":1}'
    runtime = runtime_of()
    assert runtime.load("pickle", runtime.dump((1, None))) == (1, None)
    assert runtime.load("json", b"[1]") == [1]


def test_a_serializer_that_is_not_accepted_is_not_used() -> None:
    with pytest.raises(UnknownSerializer, match="'pickle' is not accepted here; accept_serializers: json"):
        runtime_of(serializer="json").load("pickle", b"")


def test_results_go_where_the_task_says() -> None:
    shelf = new_shelf()
    runtime = runtime_of(results=shelf)
    assert isinstance(runtime.results_for(False), shelf)
    assert runtime.results_for(True) is runtime.results_for(60) is runtime.cache_results


def test_the_signer_is_the_cluster_s_own() -> None:
    signer = runtime_of(name="main").signer
    assert (signer.name, signer.fallback_keys) == ("main", ())


def test_a_runtime_travels_as_its_configuration() -> None:
    runtime = build_runtime(conf(name="main", orm="default"))
    again = pickle.loads(pickle.dumps(runtime))
    assert again.conf == runtime.conf
    assert again.registry is not runtime.registry
    assert again.broker_class is runtime.broker_class


def test_a_key_that_nobody_claims_stops_the_building() -> None:
    wrong = conf(queue_limt=5)
    with pytest.raises(ConfigurationError, match="queue_limit"):
        build_runtime(wrong)
    assert [problem.key for problem in registry_problems(wrong)] == ["queue_limt"]
