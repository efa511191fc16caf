"""What SQS refuses, or makes less of, in settings that are not its own."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_sqs.broker import SqsBroker
from djq_sqs.checks import messages
from tests.conf.making import conf


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"list_key": "my site"}, "'my site', and SQS takes 1 to 75 letters"),
        ({"list_key": "n" * 76}, "1 to 75 letters"),
        ({"bulk": 11}, "`bulk` is 11, and SQS gives 1 to 10 messages at once"),
        ({"lease": 43_201}, "`retry` is 43201 s, and SQS holds a message for 43200 s"),
    ],
)
def test_no_broker_is_built_with_what_sqs_refuses(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SqsBroker(BrokerSettings(**settings))
    assert said in str(caught.value)


def test_all_of_it_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"named ''.*`bulk` is 12.*`retry` is 50000 s"):
        SqsBroker(BrokerSettings(list_key="", bulk=12, lease=50_000))


@pytest.mark.parametrize("settings", [{}, {"list_key": "n" * 75, "bulk": 10, "lease": 43_200}, {"bulk": 1}])
def test_what_sqs_takes_is_no_news(settings: dict[str, Any]) -> None:
    SqsBroker(BrokerSettings(**settings))


@pytest.mark.parametrize(
    ("keys", "codes"),
    [
        ({"broker": "sqs", "backoff": 50_000}, ["djq_sqs.W001"]),
        ({"sqs": {"dead_letter_queue": "dead"}, "max_attempts": 21}, ["djq_sqs.W002"]),
        ({"sqs": {"dead_letter_queue": "dead"}, "max_attempts": 20, "backoff": 60}, []),
        ({"sqs": {}, "max_attempts": 100}, []),
        ({"redis": {}, "backoff": 50_000}, []),
    ],
)
def test_what_sqs_makes_less_of_is_a_warning(keys: dict[str, Any], codes: list[str]) -> None:
    assert [found.id for found in messages(conf(keys))] == codes
