"""``manage.py djq health``."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from djq_core import current, hookimpl
from djq_core.conf import Conf
from djq_core.exceptions import BrokerError, ConfigurationError
from djq_core.plugins import Health
from tests.monitor.making import HOST, new_broker, publish, put

Broker = new_broker()
Away = new_broker(away=("ping",))


class Choosy(new_broker()):  # type: ignore[misc]
    """One that takes no options."""

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> Any:
        raise ConfigurationError("'main' has no port.")


class Hostile(new_broker()):  # type: ignore[misc]
    """One whose errors would steer the terminal."""

    def ping(self) -> bool:
        raise BrokerError("No\nroute\x1b[0m (ping).")


WATCHED = {"name": "main", "broker_class": f"{__name__}.Broker"}


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Have a site whose broker can be looked at."""
    for broker in (Broker, Away):
        broker.texts.clear()
        broker.queue.clear()
    with override_settings(Q_CLUSTER=WATCHED):
        yield


def health(*arguments: str) -> tuple[int, str]:
    """Return the exit code and the text of the command."""
    out = StringIO()
    try:
        call_command("djq", "health", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_site_that_is_well_is_a_table_and_exit_code_0() -> None:
    publish(current.runtime())
    put(current.runtime(), age=90)
    code, text = health()
    lines = text.splitlines()
    assert code == 0
    assert lines[0] == "Healthy."
    assert lines[1].split() == ["QUEUE", "CLUSTERS", "WORKERS", "RUNNING", "QUEUED", "HELD", "OLDEST"]
    assert lines[2].split()[:6] == ["main", "1", "2", "0", "1", "0"]
    assert 89 < float(lines[2].split()[6]) < 99


def test_what_is_wrong_is_a_sentence_with_its_remedy() -> None:
    publish(current.runtime(), workers=[])
    code, text = health()
    assert code == 4
    assert text.startswith("Not healthy.")
    assert f"\nA cluster of the queue main has no workers. ({HOST}:17)\n  > It starts a new one" in text


@pytest.mark.parametrize(
    ("values", "whole", "live", "ready"),
    [
        ({}, 0, 0, 0),
        ({"status": Conf.STARTING}, 6, 0, 6),
        ({"status": Conf.STOPPING}, 6, 0, 6),
        ({"pusher": None}, 4, 4, 4),
    ],
)
def test_exit_codes(values: dict[str, Any], whole: int, live: int, ready: int) -> None:
    publish(current.runtime(), **values)
    assert [health(*options)[0] for options in ((), ("--live",), ("--ready",))] == [whole, live, ready]


def test_a_broker_that_is_away_is_told_with_its_error() -> None:
    with override_settings(Q_CLUSTER={"name": "main", "broker_class": f"{__name__}.Away"}):
        publish(current.runtime())
        code, text = health()
        assert code == 3
        assert "cannot be reached.\n  No route to secret.example (ping).\n" in text
        assert text.splitlines()[2].split() == ["main", "1", "2", "0", "-", "-", "-"]
        assert health("--live")[0] == 0
        assert health("--ready")[0] == 3


def test_a_long_sentence_is_wrapped() -> None:
    _code, text = health("--cluster", "long " * 20)
    (sentence,) = (part for part in text.split("\n\n") if part.startswith("No cluster works"))
    assert "\ufffd" not in sentence
    assert [line.strip() for line in sentence.splitlines()][1].startswith("long long")


def test_no_name_and_no_error_steers_the_terminal() -> None:
    with override_settings(Q_CLUSTER={"name": "a\x1b[31m\x9b1m", "broker_class": f"{__name__}.Hostile"}):
        _code, text = health()
        assert "The broker of the queue a�[31m�1m cannot be reached.\n  No\n" in text
        assert text.replace("\n", "").isprintable()


def test_json() -> None:
    publish(current.runtime(), monitor=None)
    code, text = health("--json")
    told = json.loads(text)
    assert (code, told["status"]) == (4, "broken")
    assert told["problems"][0]["code"] == "no_monitor"
    assert told["queues"][0]["clusters"][0]["host"] == HOST


def test_queues_and_hosts_can_be_chosen() -> None:
    publish(current.runtime(), workers=[])
    publish(current.runtime(), "long", host=socket.gethostname())
    assert health("--cluster", "long")[0] == 0
    assert health("--cluster", "long", "--cluster", "main")[0] == 4
    assert health("--cluster", "long", "--here")[0] == 0
    assert health("--here")[0] == 4  # the cluster of this host is not one of the site's own queues


def test_a_task_that_waits_too_long() -> None:
    publish(current.runtime())
    put(current.runtime(), age=90)
    assert health("--max-wait", "60")[0] == 5
    assert health("--max-wait", "600")[0] == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_seconds_are_above_0(seconds: str) -> None:
    with pytest.raises(CommandError, match="timeout"):
        health("--timeout", seconds)


def test_plugins_say_how_they_are() -> None:
    class Plugin:
        @hookimpl
        def djq_health(self) -> list[Health]:
            return [Health("disk"), Health("clock", is_healthy=False, message="It is slow.")]

    current.runtime().hooks.register(Plugin(), "own")
    publish(current.runtime())
    code, text = health()
    assert code == 5
    assert "\ndisk: well\nclock: It is slow.\n" in text
    assert "\nclock is not well.\n  It is slow.\n" in text


@override_settings(Q_CLUSTER={"name": "main", "unknwn": 1})
def test_wrong_settings_are_an_error_of_the_command() -> None:
    with pytest.raises(CommandError, match="unknwn"):
        health()


@override_settings(Q_CLUSTER={"name": "main", "broker_class": f"{__name__}.Choosy"})
def test_wrong_keys_of_a_broker_are_no_outage() -> None:
    with pytest.raises(CommandError, match="has no port"):
        health()
