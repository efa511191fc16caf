"""S7: secrets in the keys of every plugin show up nowhere."""

from __future__ import annotations

import io
import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import override_settings

from djq_core.brokers import BrokerSettings
from djq_core.checks import messages
from djq_core.cluster.channels import Channel
from djq_core.cluster.pusher import Pusher
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.enqueue import enqueue
from djq_core.exceptions import BrokerError, ConfigurationError
from djq_core.plugins import PluginSetting, load
from djq_core.reporters import ErrorReporter
from djq_core.runtime import Runtime
from tests.making import MemoryBroker, new_reporter, package_of, wait_until
from tests.services.ports import free_port

pytestmark = pytest.mark.security

SECRET = "hunter2-s3cret"


class Fussy(ErrorReporter):
    """Refuses its settings and quotes them."""

    def __init__(self, **settings: Any) -> None:
        raise ValueError(f"Bad DSN {settings}")


def keys_at(port: int) -> dict[str, dict[str, Any]]:
    """Return the ways to say where the server of each broker is, with secrets wherever one can be."""
    place = {"host": "127.0.0.1", "port": port}
    iron = {"protocol": "http", **place, "project_id": "p", "request_timeout": 0.3}
    keystone = {"server": f"http://127.0.0.1:{port}", "tenant": "t", "username": SECRET, "password": SECRET}
    aws = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), SECRET)
    url = f"http://me:{SECRET}@127.0.0.1:{port}"
    return {
        "redis": {"redis": {**place, "password": SECRET, "username": SECRET}},
        "redis by uri": {"redis": f"redis://{SECRET}:{SECRET}@127.0.0.1:{port}/0", "redis_receipts": True},
        "redis sentinel": {
            "redis": {
                "sentinels": [("127.0.0.1", port)],
                "service_name": "main",
                "password": SECRET,
                "sentinel_kwargs": {"password": SECRET},
            }
        },
        "redis cluster": {"redis": {"startup_nodes": [("127.0.0.1", port)], "password": SECRET}},
        "sqs": {"sqs": {"aws_region": "eu-central-1", "endpoint_url": url, **aws}},
        "mongo": {"mongo": {**place, "username": SECRET, "password": SECRET, "timeoutMS": 100}},
        "mongo by uri": {"mongo": f"mongodb://{SECRET}:{SECRET}@127.0.0.1:{port}/?timeoutMS=100"},
        "disque": {"disque_nodes": [f"127.0.0.1:{port}"], "disque_auth": SECRET, "disque_timeout": 0.3},
        "ironmq": {"iron_mq": {**iron, "token": SECRET}},
        "ironmq by keystone": {"iron_mq": {**iron, "keystone": keystone}},
    }


#: Their clients take a second or two to load or to give up; the plugins' own tests look for the same.
SLOW = frozenset({"sqs", "mongo", "mongo by uri", "ironmq by keystone"})
every_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.chaos] * (kind in SLOW)) for kind in keys_at(0)]
)
#: Reporters are not built here: each holds its settings for the whole process.
REPORTERS = {
    "sentry": {"dsn": f"https://{SECRET}@h/1"},
    "rollbar": {"access_token": SECRET, "environment": "e"},
}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the machine itself has for boto3."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def runtime_with(redis: Any, reporter: type[ErrorReporter] | None = None, **keys: Any) -> Runtime:
    given = {"redis": redis, "error_reporter": {"own": {"token": SECRET}}, **keys}
    made = Conf.from_settings(given, secret_key=SECRET, secret_key_fallbacks=[SECRET])
    registry = load(made)
    setting = PluginSetting("sample_token", str, default=SECRET, secret=True, doc="The token.")
    reporters = {"own": reporter or new_reporter()}
    return Runtime(made, replace(registry, error_reporters=reporters, settings=(setting,)))


@every_kind
def test_s7_a_server_that_is_away_is_told_without_a_secret(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runtime = runtime_with(**{"redis": None, **keys_at(free_port())[kind]})
    with pytest.raises(BrokerError) as caught:
        enqueue(runtime, package_of(runtime))
    told = "".join(traceback.format_exception(caught.value, chain=True))
    _fetch(runtime)
    assert "cannot fetch from the broker" in caplog.text
    shown = (
        f"{told} {caplog.text} {runtime!r} {runtime.broker()!r} {runtime.broker().settings!r} {runtime.broker().info()}"
    )
    assert SECRET not in shown
    reports = runtime.registry.error_reporters["own"].reports  # type: ignore[attr-defined]
    for (kind_of_error, error, trace), *_ in reports:
        assert SECRET not in "".join(traceback.format_exception(kind_of_error, error, trace))


def printed(*command: str) -> Iterator[str]:
    for options in ((), ("--json",)):
        out = io.StringIO()
        call_command(*command, *options, stdout=out)
        yield out.getvalue()


@every_kind
def test_s7_the_configuration_is_printed_without_a_secret(kind: str) -> None:
    keys = {**keys_at(1)[kind], "error_reporter": REPORTERS}
    with override_settings(Q_CLUSTER=keys | {"ALT_CLUSTERS": {"other": keys}}, SECRET_KEY=SECRET):
        shown = list(printed("qinfo", "--config"))
        text = f"{shown} {run_checks()!r}"
    assert all(f"{key}" in each for each in shown for key in keys)
    assert SECRET not in text


def _fetch(runtime: Runtime) -> None:
    """Let a pusher fetch once, in vain."""
    with ExitStack() as stack:
        ends = [Channel(stack.enter_context(end)) for end in (*socket.socketpair(), *socket.socketpair())]
        pusher = Pusher("p", runtime, runtime.broker(), ends[0], ends[2])
        thread = threading.Thread(target=pusher.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(pusher.stop)
        pusher.grant(1)
        wait_until(lambda: pusher._failures > 0)


@pytest.mark.parametrize(
    "keys",
    [
        {"redis": {"pasword": SECRET}},
        {"redis": f"nonsense://{SECRET}"},
        {"redis": [SECRET]},
        {"redis": {"password": SECRET}, "sample_token": [SECRET]},
        {"redis": {"password": SECRET}, "unknown_token": SECRET},
        {"redis": {"password": SECRET}, "error_reporter": {"nobody": {"token": SECRET}}},
        {"redis": {"password": SECRET}, "orm": SECRET},
        {"redis": {"password": SECRET}, "error_reporter": {"sentry": {"dsn": SECRET, "nothing": SECRET}}},
        {"redis": {"password": SECRET}, "error_reporter": {"rollbar": {"access_token": [SECRET], "nothing": SECRET}}},
        {"sqs": {"aws_secret_access_key": SECRET}},
        {"sqs": {"endpoint_url": f"me:{SECRET}@host"}},
        {"mongo": f"nonsense://me:{SECRET}@host"},
        {"mongo": {"pasword": SECRET}},
        {"disque_auth": [SECRET]},
        {"disque_nodes": [f"disque://me:{SECRET}@host"]},
        {"iron_mq": {"tokn": SECRET}},
        {"iron_mq": {"token": [SECRET], "project_id": "p"}},
        {"opentelemetry_setup": 7, "redis": {"password": SECRET}},
    ],
)
def test_s7_checks_and_refusals_show_no_secret(keys: dict[str, Any]) -> None:
    runtime = runtime_with(**{"redis": None, **keys})
    told = [repr(messages(runtime.registry.problems(runtime.conf)))]
    for ask in (runtime.broker, lambda: runtime.reporters):
        try:
            ask()
        except ConfigurationError as error:
            told += traceback.format_exception(error)
    assert SECRET not in "".join(told)


def test_s7_what_a_reporter_says_of_its_settings_is_masked() -> None:
    runtime = runtime_with(None, Fussy)
    with pytest.raises(ConfigurationError, match="does not take its settings: ValueError: Bad DSN") as caught:
        _ = runtime.reporters
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_s7_neither_a_status_nor_what_is_printed_in_passing_shows_a_secret() -> None:
    runtime = runtime_with(**keys_at(1)["redis"])
    snapshot = Snapshot(runtime.conf, 1, 2).take(Traffic(runtime.conf, runtime.broker_class), [], {})
    outside = MemoryBroker(BrokerSettings(options={"password": SECRET}))  # options as they were given
    shown = [runtime.conf, runtime, runtime.registry, runtime.broker(), runtime.signer, outside, outside.settings]
    assert SECRET not in f"{shown!r} {snapshot!r}"
