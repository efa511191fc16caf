"""The keys of the plugin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from djq_core.exceptions import ConfigurationError
from djq_disque.broker import DisqueBroker
from djq_disque.options import DisqueOptions, address

SECRET = "s3cr3t-p4ss"


def read(**keys: Any) -> DisqueOptions:
    return DisqueBroker.read_options({f"disque_{name}": value for name, value in keys.items()})


def test_without_keys_the_defaults_hold() -> None:
    assert read() == DisqueOptions()
    options = DisqueOptions()
    assert (options.nodes, options.auth, options.fastack) == (("localhost:7711",), None, False)
    assert (options.replicate, options.timeout, options.ttl) == (None, 5.0, 31_536_000)
    assert read(nodes=None, auth=None, fastack=None, replicate=None, timeout=None, ttl=None) == options
    assert read(auth="") == options


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["127.0.0.1:7711", "127.0.0.1:7712"], ("127.0.0.1:7711", "127.0.0.1:7712")),
        (("disque.example.org",), ("disque.example.org:7711",)),
        ([" a:1", "b:2 "], ("a:1", "b:2")),
        (["[::1]:7712", "[::1]"], ("[::1]:7712", "[::1]:7711")),
        (["a", "a:7711", "b"], ("a:7711", "b:7711")),
    ],
)
def test_nodes_are_hosts_with_ports(given: object, expected: tuple[str, ...]) -> None:
    assert read(nodes=given).nodes == expected


def test_a_node_is_a_host_and_a_port() -> None:
    assert [address(node) for node in ("a:1", "[::1]:7711")] == [("a", 1), ("::1", 7711)]


def test_several_nodes_share_the_time_out() -> None:
    assert read(nodes=["a"], timeout=3).node_timeout == 3.0
    assert read(nodes=["a", "b", "c"], timeout=3).node_timeout == 1.5


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("nodes", "a:1,b:2", r"is a text; it takes a list .* \.split\(','\)"),
        ("nodes", [], "not an empty one"),
        ("nodes", {"a": 1}, "not dict"),
        ("nodes", ["a:1", "a:99999"], r"\['disque_nodes'\]\[1\] is no node"),
        ("nodes", ["a:0"], "is no node"),
        ("nodes", [("a", 1)], "is no node"),
        ("nodes", ["::1"], r"'\[::1\]:7711'"),
        ("nodes", [f"disque://:{SECRET}@a:1"], "A password belongs into 'disque_auth'"),
        ("nodes", [f"{SECRET}@a:1"], "is no node"),
        ("auth", SECRET.encode(), "takes the password as a text, not bytes"),
        ("fastack", 1, "it takes True or False"),
        ("replicate", 0, "the number of copies of a task"),
        ("replicate", True, "the number of copies of a task"),
        ("timeout", 0, "a number of seconds above 0"),
        ("timeout", float("inf"), "a number of seconds above 0"),
        ("timeout", "5", "a number of seconds above 0"),
        ("ttl", 1.5, "a whole number of seconds above 0"),
        ("ttl", 0, "a whole number of seconds above 0"),
    ],
)
def test_what_is_wrong_is_one_clear_line(name: str, value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read(**{name: value})
    assert str(caught.value).startswith(f"Q_CLUSTER['disque_{name}']")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_nothing_shows_the_password() -> None:
    options = read(auth=SECRET)
    assert options.auth == SECRET
    for text in (repr(options), str(options), options.where):
        assert SECRET not in text


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("disque_node", "disque_nodes"),
        ("disque_authh", "disque_auth"),
        ("disque_fast_ack", "disque_fastack"),
        ("disque_replicat", "disque_replicate"),
        ("disque_time_out", "disque_timeout"),
    ],
)
def test_a_misspelt_key_is_told_with_the_nearest(key: str, near: str) -> None:
    with override_settings(Q_CLUSTER={"name": "site", "disque_nodes": ["a"], key: "x"}):
        (found,) = [each for each in run_checks() if key in str(each.msg)]
    assert near in f"{found.msg} {found.hint}"
