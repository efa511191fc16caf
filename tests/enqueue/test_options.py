"""The options of a task: what cannot be meant is refused, the rest goes into the package."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.brokers import Broker, BrokerSettings
from djq_core.conf.backoff import Steps
from djq_core.enqueue.options import Options, read_options, read_q_options


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"timeout": 0}, ValueError, "timeout takes seconds above 0, not 0"),
        ({"timeout": 10**400}, ValueError, "timeout takes seconds above 0"),
        ({"timeout": "5"}, TypeError, "timeout takes seconds, not '5'"),
        ({"max_attempts": -1}, ValueError, "max_attempts takes numbers from 0 on, not -1"),
        ({"max_attempts": True}, TypeError, "max_attempts takes a whole number, not True"),
        ({"max_attempts": 2.0}, TypeError, "max_attempts takes a whole number, not 2.0"),
        ({"backoff": -1}, ValueError, "not -1. It takes 0 to 31,622,400."),
        ({"backoff": "5"}, TypeError, "backoff takes a number of seconds of at least 0, a list of them, a dictionary"),
        ({"backoff": {"intial": 5}}, ValueError, "Its names are initial, factor, maximum, jitter."),
        ({"hook": "done"}, ValueError, "hook 'done' is no dotted path"),
        ({"enqueue_on_commit": 1}, TypeError, "enqueue_on_commit takes True, False or the alias of a database, not 1"),
        ({"group": "g" * 101}, ValueError, "group is 101 characters long; 100 are allowed"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        read_options(given)
    assert text in str(caught.value)


@pytest.mark.parametrize(("q_options", "text"), [([], "takes a dictionary"), ({"grup": 1}, "Did you mean 'group'?")])
def test_q_options_are_a_dictionary_of_options(q_options: Any, text: str) -> None:
    with pytest.raises(TypeError) as caught:
        read_q_options(q_options)
    assert text in str(caught.value)


def test_a_number_is_a_label_too() -> None:
    assert read_options({"group": 7, "save": False}) == Options(group="7", save=False)


def test_what_a_package_is_given() -> None:
    fields = Options(task_name="n", cached=False).for_package(cached=60, own_cluster="own")
    assert (fields["name"], fields["cached"], fields["cluster"], fields["save"]) == ("n", False, None, None)
    assert Options().for_package(cached=60, own_cluster="own")["cached"] == 60


def test_attempts_of_a_tasks_own_travel_with_it() -> None:
    fields = Options(max_attempts=0, backoff=[1, 5]).for_package(cached=False, own_cluster="own")
    assert (fields["max_attempts"], fields["backoff"]) == (0, Steps((1, 5)))
    assert Options().for_package(cached=False, own_cluster="own")["backoff"] is None


@pytest.mark.parametrize(("list_key", "cluster"), [("own", None), ("other", "other")])
def test_a_broker_of_another_queue_names_the_cluster(list_key: str, cluster: str | None) -> None:
    broker = Broker(BrokerSettings(list_key=list_key))
    assert Options(broker=broker).for_package(cached=False, own_cluster="own")["cluster"] == cluster
    assert Options(broker=broker, cluster="c").for_package(cached=False, own_cluster="own")["cluster"] == "c"
