"""The key of the plugin."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_ironmq.broker import IronMQBroker
from djq_ironmq.names import queue_name
from djq_ironmq.options import IronOptions

SECRET = "s3cr3t-t0ken"
ACCESS = {"token": SECRET, "project_id": "500f7b"}
KEYSTONE = {"server": "https://keys.example.org/v2.0", "tenant": "t", "username": "u", "password": SECRET}


def read(**words: Any) -> IronOptions:
    return IronMQBroker.read_options({"iron_mq": {**ACCESS, **words}})


def test_the_dictionary_of_the_manual_is_taken_as_it_stands() -> None:
    options = read(host="mq-aws-us-east-1.iron.io")
    assert options.base_url == "https://mq-aws-us-east-1.iron.io/3/projects/500f7b"
    assert (options.request_timeout, options.max_message_bytes) == (5.0, 262_144)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ({}, "https://mq-aws-us-east-1-1.iron.io"),
        ({"host": "h", "protocol": "http"}, "http://h:80"),
        ({"host": "h", "port": 8443, "path_prefix": "mq/"}, "https://h:8443/mq"),
        ({"cloud": "https://h/prefix/"}, "https://h/prefix"),
        ({"cloud": "http://h:8080"}, "http://h:8080"),
        ({"host": "::1", "port": 1}, "https://[::1]:1"),
        (
            {"host": None, "path_prefix": None, "keystone": None, "api_version": "3"},
            "https://mq-aws-us-east-1-1.iron.io",
        ),
    ],
)
def test_every_keyword_of_the_library_is_taken(words: dict[str, Any], where: str) -> None:
    assert read(**words, name="mine").where == where


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "takes a dictionary"),
        ("token", "takes a dictionary such as"),
        ({"token": SECRET}, "has no 'project_id'; nothing is read from the environment"),
        ({"project_id": "p"}, "has no 'token'"),
        ({**ACCESS, "tokne": SECRET}, "'tokne', which iron-mq does not know. Did you mean 'token'?"),
        ({**ACCESS, "time_out": 3}, "Did you mean 'request_timeout'?"),
        ({**ACCESS, "zebra": 1}, "'zebra', which iron-mq does not know."),
        ({**ACCESS, "token": 7}, "['token'] is a int; it takes a text"),
        ({**ACCESS, "token": f"{SECRET}\n"}, "['token'] has characters that no token has"),
        ({**ACCESS, "port": "443"}, "['port'] is '443'; it takes a whole number"),
        ({**ACCESS, "port": 70_000}, "from 1 to 65535"),
        ({**ACCESS, "protocol": "htps"}, "it takes 'https' or 'http'"),
        ({**ACCESS, "api_version": 1}, "it takes 3, the version that djq speaks"),
        ({**ACCESS, "request_timeout": 0}, "a number of seconds above 0"),
        ({**ACCESS, "request_timeout": True}, "a number of seconds above 0"),
        ({**ACCESS, "max_message_bytes": 1.5}, "a whole number of bytes above 0"),
        ({**ACCESS, "cloud": "mq.example.org"}, "takes an address such as 'https://mq.example.org/prefix'"),
        ({**ACCESS, "cloud": f"https://u:{SECRET}@h"}, "takes an address such as"),
        ({**ACCESS, "keystone": {"password": SECRET}}, "a dictionary with the texts server, tenant"),
        ({**ACCESS, "config_file": "/nowhere/iron.json"}, "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        IronMQBroker.read_options({"iron_mq": value})
    text = str(caught.value)
    assert told in text
    assert text.startswith("Q_CLUSTER['iron_mq']")
    assert "\n" not in text
    assert SECRET not in text


def test_a_file_is_read_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "iron.json"
    told = {"token": "general", "project_id": "p", "port": 1, "other": 1, "iron_mq": {"token": "mine"}}
    file.write_text(json.dumps(told))
    options = IronMQBroker.read_options({"iron_mq": {"config_file": str(file), "port": 2}})
    assert (options.token, options.project_id, options.port) == ("mine", "p", 2)
    for text, reason in (("{", "it is not JSON"), ("[]", "has no object")):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=reason):
            read(config_file=str(file))


def test_a_secret_is_in_no_representation() -> None:
    options = read(keystone=KEYSTONE)
    broker = IronMQBroker(BrokerSettings(options=options))
    for text in (repr(options), str(options), repr(broker.settings), options.where, broker.info()):
        assert SECRET not in text


def test_options_are_frozen_and_pickle() -> None:
    options = read(keystone=KEYSTONE)
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(AttributeError):
        options.port = 1  # type: ignore[misc]


def test_names_fit_into_a_path() -> None:
    assert [queue_name(name) for name in ("default", "my-site_2.eu")] == ["default", "my-site_2.eu"]
    made = [queue_name(name) for name in ("my site", "my/site", "grün", "", "..")]
    assert len(set(made)) == 5
    assert all(name.isascii() and not set(name) & set(" /%?#") and name.strip(".") for name in made)
