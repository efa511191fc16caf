"""The key of the plugin."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_sqs.broker import SqsBroker, SqsClaimsBroker, SqsFifoBroker, SqsFifoClaimsBroker
from djq_sqs.client import Client
from djq_sqs.options import CONFIG, SqsOptions

SECRET = "s3cr3t-k3y"
KEYS = {"aws_region": "eu-central-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": SECRET}


def read(value: object) -> SqsOptions:
    return SqsBroker.read_options({"sqs": value})


def test_the_dictionary_of_the_manual_is_taken_as_it_stands() -> None:
    options = read(KEYS)
    assert dict(options.session) == {
        "region_name": "eu-central-1",
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": SECRET,
    }
    assert dict(options.config) == dict(CONFIG)


@pytest.mark.parametrize("value", [{}, None, {"aws_region": None}])
def test_nothing_needs_to_be_said(value: object) -> None:
    assert read(value) == SqsOptions()


def test_all_of_it_reaches_boto3() -> None:
    options = read(
        {
            **KEYS,
            "aws_session_token": "token",
            "endpoint_url": "https://example.com:4566",
            "use_ssl": True,
            "verify": False,
            "api_version": "2012-11-05",
            "config": {"read_timeout": 9, "retries": {"total_max_attempts": 7}, "user_agent_extra": "mine"},
        }
    )
    client: Any = Client(options)._boto
    assert client.meta.endpoint_url == "https://example.com:4566"
    assert client.meta.region_name == "eu-central-1"
    config = client.meta.config
    assert (config.read_timeout, config.connect_timeout, config.user_agent_extra) == (9, 5, "mine")
    assert config.retries["total_max_attempts"] == 7
    credentials = client._request_signer._credentials
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("AKIDEXAMPLE", SECRET, "token")


def test_nothing_is_sent_twice_unless_that_is_asked_for() -> None:
    assert Client(read(KEYS))._boto.meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("eu-central-1", "takes a dictionary such as {'aws_region': 'eu-central-1'}, not str"),
        ({"aws_regoin": "x"}, "has 'aws_regoin', which is not known. Did you mean 'aws_region'?"),
        ({"endpoint": "http://x"}, "Did you mean 'endpoint_url'?"),
        ({"endpoint_url": f"me:{SECRET}@localhost:4566"}, "takes a URL such as"),
        ({"aws_region": 5}, "'region_name'] is 5; it takes a text"),
        ({"fifo": "yes"}, "takes True or False"),
        (
            {"config": {"read_timeuot": 5}},
            "has 'read_timeuot', which botocore does not know. Did you mean 'read_timeout'?",
        ),
        ({"config": {"read_timeout": 0}}, "takes a number of seconds above 0"),
        ({"config": {"retries": {"mode": "often"}}}, "'config'] cannot be used"),
        ({"config": []}, "keywords of botocore.config.Config"),
        ({"aws_access_key_id": "AKID"}, "has 'aws_access_key_id' without 'aws_secret_access_key'"),
        ({"aws_secret_access_key": SECRET}, "has 'aws_secret_access_key' without 'aws_access_key_id'"),
        ({"aws_session_token": SECRET}, "has 'aws_session_token' without 'aws_access_key_id'"),
        ({"aws_secret_access_key": [SECRET], "aws_access_key_id": "A"}, "is a list; it takes a text"),
        ({"message_group_id": "g"}, "has 'message_group_id' without 'fifo'"),
        ({"message_group_id": "a b", "fifo": True}, "1 to 128 letters, digits and punctuation"),
        ({"max_receive_count": 5}, "has 'max_receive_count' without 'dead_letter_queue'"),
        ({"max_receive_count": 1001, "dead_letter_queue": "d"}, "a whole number from 1 to 1000"),
        (
            {"claim_check": "defualt"},
            "which STORAGES does not have; it has: default, staticfiles. Did you mean 'default'?",
        ),
        ({"claim_check_over": 5}, "has 'claim_check_over' without 'claim_check'"),
        ({"queue_attributes": "none"}, "a dictionary of attributes of the SQS API"),
    ],
)
def test_what_cannot_be_is_refused(value: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(value)
    text = str(caught.value)
    assert text.startswith("Q_CLUSTER['sqs']")
    assert said in text
    assert "\n" not in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, SqsBroker),
        ({"fifo": True}, SqsFifoBroker),
        ({"claim_check": "default"}, SqsClaimsBroker),
        ({"fifo": True, "claim_check": "default"}, SqsFifoClaimsBroker),
    ],
)
def test_the_class_follows_the_options(value: object, kind: type[SqsBroker]) -> None:
    assert SqsBroker.for_keys({"sqs": value}) is kind
    assert (kind.max_package_bytes is None) is ("Claims" in kind.__name__)


def test_a_derived_class_stays_what_it_is() -> None:
    class Own(SqsBroker):
        """A class of a site."""

    assert Own.for_keys({"sqs": {}}) is Own


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({}, "Amazon SQS"),
        ({"aws_region": "eu-central-1"}, "Amazon SQS in eu-central-1"),
        ({"endpoint_url": f"http://me:{SECRET}@host:4566/path?key={SECRET}"}, "SQS at http://host:4566/path"),
    ],
)
def test_no_place_shows_a_secret(value: object, where: str) -> None:
    options = read(value)
    assert options.where == str(options) == where


def test_no_representation_shows_a_secret() -> None:
    options = read({**KEYS, "aws_session_token": SECRET, "endpoint_url": f"http://u:{SECRET}@host"})
    settings = BrokerSettings(options=options)
    broker = SqsBroker(settings)
    assert SECRET not in "".join(map(repr, (options, settings, broker, broker.info())))
    assert set(options.secrets) == {SECRET, "AKIDEXAMPLE"}
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize(("read_timeout", "waits"), [(60, 20), (5, 4), (2, 1), (1, 0), (0.5, 0)])
def test_no_call_waits_in_the_server_as_long_as_its_answer_may_take(read_timeout: float, waits: int) -> None:
    assert read({"config": {"read_timeout": read_timeout}}).longest_wait == waits
