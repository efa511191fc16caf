"""The keys of the plugin."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
from django.test import override_settings

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_redis import client
from djq_redis.list_broker import RedisBroker
from djq_redis.options import RedisOptions
from djq_redis.receipts_broker import RedisReceiptsBroker
from tests.services.valkey import ValkeyServer

SECRET = "s3cr3t-p4ss"


def read(value: object) -> RedisOptions:
    return RedisBroker.read_options({"redis": value})


def test_without_keys_the_defaults_of_the_manual_hold() -> None:
    assert RedisBroker.read_options({}) == RedisOptions()
    assert dict(RedisOptions().keywords) == {
        "host": "localhost",
        "port": 6379,
        "db": 0,
        "password": None,
        "socket_timeout": 5.0,
        "socket_connect_timeout": 5.0,
        "encoding": "utf-8",
        "encoding_errors": "strict",
        "unix_socket_path": None,
    }


def test_the_dictionary_of_the_manual_is_taken_as_it_stands() -> None:
    options = read(
        {
            "host": "localhost",
            "port": 6379,
            "db": 0,
            "password": None,
            "socket_timeout": None,
            "charset": "utf-8",
            "errors": "strict",
            "unix_socket_path": None,
        }
    )
    assert options == RedisOptions()


def test_names_of_today_reach_the_client() -> None:
    words = client.connect(read({"charset": "latin-1", "errors": "replace", "socket_timeout": 1.5}))
    kwargs = words.connection_pool.connection_kwargs
    assert (kwargs["encoding"], kwargs["encoding_errors"], kwargs["socket_timeout"]) == ("latin-1", "replace", 1.5)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("redis://h:pass%40word@example.org:111", {"host": "example.org", "port": 111, "password": "pass@word"}),
        ("redis://example.org/3", {"host": "example.org", "db": 3}),
        ("rediss://example.org", {"host": "example.org", "ssl": True}),
        ("rediss://example.org?ssl_cert_reqs=none", {"ssl": True, "ssl_cert_reqs": "none"}),
        ("unix:///run/redis.sock?db=2", {"unix_socket_path": "/run/redis.sock", "db": 2}),
        ("redis://example.org?socket_timeout=2.5&protocol=2", {"socket_timeout": 2.5, "protocol": 2}),
    ],
)
def test_uris_become_keywords(uri: str, expected: dict[str, Any]) -> None:
    keywords = read(uri).keywords
    assert expected.items() <= keywords.items()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (
            "redis+sentinel://u:pa%2Css@a,b:2,[::1]:3/mymaster/4?sentinel_password=other&socket_timeout=2",
            {
                "sentinels": (("a", 26379), ("b", 2), ("::1", 3)),
                "service_name": "mymaster",
                "db": 4,
                "username": "u",
                "password": "pa,ss",
                "sentinel_kwargs": {"password": "other"},
                "socket_timeout": 2.0,
                "socket_connect_timeout": 5.0,
            },
        ),
        ("redis+sentinel://a/mymaster", {"sentinels": (("a", 26379),), "db": 0, "sentinel_kwargs": {}}),
        ("rediss+sentinel://a/mymaster?ssl_cert_reqs=none", {"ssl": True, "ssl_cert_reqs": "none"}),
        ("redis+cluster://:p{0}@a,b:7001", {"startup_nodes": (("a", 6379), ("b", 7001)), "password": "p{0}"}),
        ("rediss+cluster://a/0?protocol=2", {"ssl": True, "protocol": 2}),
    ],
)
def test_uris_of_several_servers_become_keywords(uri: str, expected: dict[str, Any]) -> None:
    keywords = read(uri).keywords
    assert expected.items() <= keywords.items()
    assert not {"host", "port", "unix_socket_path"} & keywords.keys()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (f"redis+sentinel://:{SECRET}@a:1", "after the sentinels comes the name of the primary"),
        (f"redis+sentinel://:{SECRET}@a:x/name", "port is no number"),
        (f"redis+sentinel://:{SECRET}@a,,b/name", "a host is missing"),
        (f"redis+sentinel://:{SECRET}@a/name/queue", "number of a database, not 'queue'"),
        ("redis+sentinle://a/name", r"Did you mean 'redis\+sentinel://'"),
        ("redis+cluster://a/3", "a Redis cluster has database 0 alone"),
        ("redis+cluster://a?health_check_interval=3", "'health_check_interval', which redis-py does not know"),
        ("redis+sentinel://a/name?sentinel_db=3", "'sentinel_db', which redis-py does not know"),
        ({"sentinels": [("a", 1)]}, "service_name"),
        ({"service_name": "name"}, "'sentinels'.*list of pairs"),
        ({"sentinels": ["a:1"], "service_name": "name"}, "list of pairs"),
        ({"sentinels": [], "service_name": "name"}, "list of pairs"),
        ({"sentinels": [("a", 1)], "service_name": "name", "host": "b"}, "cannot have 'host' beside 'sentinels'"),
        ({"sentinels": [("a", 1)], "service_name": "n", "sentinel_kwargs": {"hosst": SECRET}}, "sentinel_kwargs"),
        ({"sentinel_kwargs": {"password": SECRET}}, "'sentinel_kwargs' without 'sentinels'"),
        ({"startup_nodes": [("a", 99_999)]}, "list of pairs"),
        ({"startup_nodes": [("a", 1)], "port": 3}, "cannot have 'port' beside 'startup_nodes'"),
        ({"startup_nodes": [("a", 1)], "db": 2}, "database 0 alone"),
    ],
)
def test_what_names_several_servers_wrongly_is_one_clear_line(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read(value)
    assert str(caught.value).startswith("Q_CLUSTER['redis']")
    assert SECRET not in str(caught.value)


def test_tls_is_for_the_sentinels_too_and_they_share_one_time_out() -> None:
    pool: Any = client.connect(
        read("rediss+sentinel://a,b/name?sentinel_username=u&ssl_check_hostname=no")
    ).connection_pool
    assert pool.connection_class.__name__ == "SentinelManagedSSLConnection"
    for sentinel in pool.sentinel_manager.sentinels:
        assert sentinel.connection_pool.connection_class.__name__ == "SSLConnection"
        words = sentinel.connection_pool.connection_kwargs
        assert (words["username"], words["socket_timeout"], words["ssl_check_hostname"]) == ("u", 2.5, False)


def test_a_uri_for_tls_makes_connections_with_tls() -> None:
    pool = client.connect(read("rediss://example.org")).connection_pool
    assert pool.connection_class.__name__ == "SSLConnection"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("rediss:/example.org", "must begin with redis://"),
        ("reddis://example.org", "Did you mean 'redis://'"),
        ("example.org:6379", "must begin with"),
        ("redis://example.org:63x9", "port is no number"),
        (f"redis://:{SECRET}#@example.org:6379", "port is no number"),
        ("redis://example.org/queue", "number of a database, not 'queue'"),
        ("redis://example.org?socket_timout=3", r"'socket_timout'.*Did you mean 'socket_timeout'"),
        ("redis://example.org?socket_timeout=soon", "socket_timeout"),
        ("unix://", "must begin with"),
        ({"hosst": "x"}, "Did you mean 'host'"),
        ({"chars": "x"}, "Did you mean 'charset'"),
        ({"zebra": 1}, "'zebra', which redis-py does not know"),
        ({"decode_responses": True}, "reads packages as bytes"),
        ({"connection_pool": 1}, "django_redis"),
        ({"port": "6379"}, "whole number"),
        ({"db": -1}, "at least 0"),
        ({"db": True}, "whole number"),
        ({"socket_timeout": 0}, "above 0"),
        (7, "a dictionary of redis-py's keywords or a URI"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read(value)
    assert str(caught.value).startswith("Q_CLUSTER['redis']")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        f"redis://user:{SECRET}@example.org",
        {"password": SECRET},
        f"redis+sentinel://user:{SECRET}@example.org/name?sentinel_password=2-{SECRET}",
        f"redis+cluster://user:{SECRET}@example.org",
    ],
)
def test_a_password_is_in_no_representation(value: object) -> None:
    options = read(value)
    broker = RedisBroker(BrokerSettings(options=options))
    for text in (repr(options), str(options), repr(broker.settings), options.where, options.setting):
        assert SECRET not in text


def test_options_are_frozen_and_pickle() -> None:
    options = read({"password": SECRET})
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(AttributeError):
        options.receipts = True  # type: ignore[misc]


# The class


def test_the_key_chooses_the_class() -> None:
    assert RedisBroker.for_keys({}) is RedisBroker
    assert RedisBroker.for_keys({"redis_receipts": False}) is RedisBroker
    assert RedisBroker.for_keys({"redis_receipts": True}) is RedisReceiptsBroker


def test_a_list_of_somebody_elses_cannot_have_receipts() -> None:
    class Mine(RedisBroker):
        pass

    assert Mine.for_keys({}) is Mine
    with pytest.raises(ConfigurationError, match="RedisReceiptsBroker"):
        Mine.for_keys({"redis_receipts": True})


def test_receipts_take_true_or_false() -> None:
    with pytest.raises(ConfigurationError, match=r"Q_CLUSTER\['redis_receipts'\] is 'yes'"):
        RedisBroker.read_options({"redis_receipts": "yes"})


# The cache

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shared": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"redis://:{SECRET}@127.0.0.1:1/3"},
}


@override_settings(CACHES=CACHES)
def test_a_cache_lends_its_settings_and_gets_our_time_outs() -> None:
    options = RedisBroker.read_options({"django_redis": "shared"})
    kwargs = client.connect(options).connection_pool.connection_kwargs
    assert (kwargs["port"], kwargs["db"], kwargs["password"]) == (1, 3, SECRET)
    assert (kwargs["socket_timeout"], kwargs["socket_connect_timeout"]) == (5.0, 5.0)
    assert SECRET not in repr(options)


@override_settings(CACHES=CACHES)
@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"django_redis": "sharde"}, r"Did you mean 'shared'"),
        ({"django_redis": "default"}, "no cache of django-redis"),
        ({"django_redis": "shared", "redis": {}}, "keep one"),
    ],
)
def test_a_cache_that_cannot_be_used_is_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        RedisBroker.read_options(keys)


def test_a_cache_lends_its_server(valkey_server: ValkeyServer) -> None:
    location = f"unix://{valkey_server.socket}?db={valkey_server.settings()['db']}"
    shared = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location}
    with override_settings(CACHES={"shared": shared, "default": shared}):
        for kind in (RedisBroker, RedisReceiptsBroker):
            broker = kind(BrokerSettings(options=kind.read_options({"django_redis": "shared"})))
            broker.enqueue(b"\xff")
            assert [delivery.package for delivery in broker.receive(1, 0.1)] == [b"\xff"]
            assert "the cache 'shared'" in broker.info()
            broker.delete_queue()
            broker.close()


def test_without_django_redis_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['django_redis'] = None\n"
        "from django.conf import settings\n"
        "settings.configure(CACHES={'default': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}})\n"
        "from djq_redis.list_broker import RedisBroker\n"
        "try:\n"
        "    RedisBroker.read_options({'django_redis': 'default'})\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.startswith("ConfigurationError")
    assert "pip install 'djq-redis[django-redis]'" in done.stdout
