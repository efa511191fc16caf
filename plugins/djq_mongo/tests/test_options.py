"""The keys of the plugin."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from pymongo import ReadPreference

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_mongo import client
from djq_mongo.broker import MongoBroker
from djq_mongo.options import MongoOptions

SECRET = "s3cr3t-p4ss"


def read(value: object, **more: Any) -> MongoOptions:
    return MongoBroker.read_options({"mongo": value, **more})


def concern(options: MongoOptions) -> dict[str, Any]:
    connection = client.Connection(options, "main")
    connection.close()
    return dict(connection.concern.document)


def test_without_keys_it_is_the_server_of_this_host() -> None:
    options = MongoBroker.read_options({})
    assert options == MongoOptions()
    assert (options.where, options.database, options.time_out) == ("localhost:27017/django-q", "django-q", 5.0)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"host": "127.0.0.1", "port": 27017}, "127.0.0.1:27017/django-q"),
        ({"host": "a", "port": None}, "a:27017/django-q"),
        ({"host": "a,b:2"}, "a:27017,b:2/django-q"),
        ({"host": ["a", "b:2"], "port": 3}, "a:3,b:2/django-q"),
        ({"host": "[::1]"}, "[::1]:27017/django-q"),
        ("mongodb://user:p%40ss@a:1,b:2/site?replicaSet=rs0", "a:1,b:2/site"),
        ({"host": "mongodb://a/site"}, "a/site"),
        ("mongodb://%2Frun%2Fmongodb.sock/", "/run/mongodb.sock/django-q"),
        ("mongodb+srv://user:p%40ss@cluster.example.org/site?tls=false", "cluster.example.org/site"),
    ],
)
def test_a_dictionary_or_a_uri_tells_where_the_server_is(value: object, where: str) -> None:
    assert read(value).where == where


def test_the_database_is_the_one_that_is_named() -> None:
    assert read("mongodb://a/site").database == "site"
    assert read("mongodb://a/site", mongo_db="queues").database == "queues"
    assert read("mongodb://a/").database == "django-q"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, {"w": "majority", "j": True}),
        ({"w": 2}, {"w": 2, "j": True}),
        ({"journal": False}, {"w": "majority", "j": False}),
        ("mongodb://a/?w=1&journal=false", {"w": 1, "j": False}),
    ],
)
def test_a_majority_with_its_journals_confirms_unless_told_otherwise(value: object, expected: dict[str, Any]) -> None:
    assert concern(read(value)) == expected


def test_the_queue_is_read_from_the_primary_whatever_others_want() -> None:
    connection = client.Connection(read("mongodb://a/?readPreference=secondary&readConcernLevel=majority"), "main")
    connection.close()
    assert connection.queue.read_preference == ReadPreference.PRIMARY
    assert connection.queue.read_concern.level is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ({"timeoutMS": 1500}, 1.5),
        ({"timeoutms": "1500"}, 1.5),
        ("mongodb://a/?timeoutMS=1500&socketTimeoutMS=9000", 1.5),
        ({"socketTimeoutMS": 2500}, 2.5),
    ],
)
def test_a_call_has_one_time_out(value: object, seconds: float) -> None:
    options = read(value)
    assert options.time_out == seconds
    made = client.make(options)
    made.close()
    assert made.options.timeout is None


def test_pymongos_names_reach_the_client_in_any_case() -> None:
    made = client.make(read({"maxpoolsize": 3, "appName": "site", "serverselectiontimeoutms": 700}))
    made.close()
    assert made.options.pool_options.max_pool_size == 3
    assert made.options.server_selection_timeout == 0.7


@pytest.mark.parametrize(
    "value",
    ["mongodb://a/?serverSelectionTimeoutMS=700&timeoutMS=2000", {"serverselectiontimeoutms": 700, "timeoutMS": 2000}],
)
def test_the_parts_of_a_call_may_take_as_long_as_the_whole_unless_told_otherwise(value: object) -> None:
    made = client.make(read(value))
    made.close()
    assert made.options.server_selection_timeout == 0.7
    pool = made.options.pool_options
    assert (pool.connect_timeout, pool.socket_timeout, made.options.timeout) == (2.0, 2.0, None)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("mongo://a", "Did you mean 'mongodb://'"),
        ("a:27017", "must begin with mongodb://"),
        ("mongodb://", "must begin with"),
        ("mongodb://?w=1", "names no host"),
        (f"mongodb://u:{SECRET}@h@a/", "write ':' as %3A"),
        (f"mongodb://u:{SECRET}/@a/", "write ':' as %3A"),
        (f"mongodb://u:{SECRET}?x@a/", "write ':' as %3A"),
        (f"mongodb://u:{SECRET}@a:port/", "cannot be used"),
        (f"mongodb://u:{SECRET}@a/?replicaSett=rs0", "'replicaSett', which pymongo does not know.*'replicaSet'"),
        ({"hosst": "a"}, "Did you mean 'host'"),
        ({"zebra": 1}, "'zebra', which pymongo does not know"),
        ({"port": "27017"}, "cannot be used: port must be"),
        ({"host": ["mongodb://a", "mongodb://b"]}, "several URIs"),
        ({"connect": True}, "each process connects"),
        ({"w": 0}, "w=0"),
        ("mongodb://a/?w=0", "w=0"),
        ({"timeoutMS": 0}, "milliseconds above 0"),
        ({"timeoutMS": "soon"}, "milliseconds above 0"),
        ({"tlsCAFile": "/no/such/file", "tls": True}, "cannot be used"),
        ({"password": SECRET, "username": 7}, "cannot be used"),
        (7, "a dictionary of the parameters of pymongo's MongoClient or a URI"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read(value)
    assert str(caught.value).startswith("Q_CLUSTER['mongo']")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "x" * 64, 7])
def test_a_database_has_a_name_that_the_server_takes(name: object) -> None:
    with pytest.raises(ConfigurationError, match=r"Q_CLUSTER\['mongo_db'\]"):
        MongoBroker.read_options({"mongo_db": name})


@pytest.mark.parametrize(
    "value",
    [
        f"mongodb://user:{SECRET}@a/",
        f"mongodb+srv://user:{SECRET}@a.example.org/",
        {"host": f"mongodb://user:{SECRET}@a/"},
        {"username": "user", "password": SECRET},
    ],
)
def test_a_password_is_in_no_representation(value: object) -> None:
    options = read(value)
    broker = MongoBroker(BrokerSettings(options=options))
    for text in (repr(options), str(options), repr(broker.settings), options.where, options.masked(f"x {SECRET} y")):
        assert SECRET not in text


def test_a_key_of_tls_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        read({"tls": True, "tlsCAFile": str(file)})


def test_options_are_frozen_and_pickle() -> None:
    options = read({"password": SECRET, "username": "u"})
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(AttributeError):
        options.database = "other"  # type: ignore[misc]
