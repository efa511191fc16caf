"""S7: secrets in the keys of every plugin show up nowhere."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

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


def redis_at(port: int) -> dict[str, Any]:
    """Return the ways to say where Redis is, with secrets wherever one can be."""
    return {
        "keywords": {"host": "127.0.0.1", "port": port, "password": SECRET, "username": SECRET},
        "uri": f"redis://{SECRET}:{SECRET}@127.0.0.1:{port}/0",
        "sentinel": {
            "sentinels": [("127.0.0.1", port)],
            "service_name": "main",
            "password": SECRET,
            "sentinel_kwargs": {"password": SECRET},
        },
        "cluster": {"startup_nodes": [("127.0.0.1", port)], "password": SECRET},
    }


def runtime_with(redis: Any, reporter: type[ErrorReporter] | None = None, **keys: Any) -> Runtime:
    given = {"redis": redis, "error_reporter": {"own": {"token": SECRET}}, **keys}
    made = Conf.from_settings(given, secret_key=SECRET, secret_key_fallbacks=[SECRET])
    registry = load(made)
    setting = PluginSetting("sample_token", str, default=SECRET, secret=True, doc="The token.")
    reporters = {"own": reporter or new_reporter()}
    return Runtime(made, replace(registry, error_reporters=reporters, settings=(setting,)))


@pytest.mark.parametrize("kind", redis_at(0))
def test_s7_a_server_that_is_away_is_told_without_a_secret(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runtime = runtime_with(redis_at(free_port())[kind])
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
    runtime = runtime_with(redis_at(1)["keywords"])
    snapshot = Snapshot(runtime.conf, 1, 2).take(Traffic(runtime.conf, runtime.broker_class), [], {})
    outside = MemoryBroker(BrokerSettings(options={"password": SECRET}))  # options as they were given
    shown = [runtime.conf, runtime, runtime.registry, runtime.broker(), runtime.signer, outside, outside.settings]
    assert SECRET not in f"{shown!r} {snapshot!r}"
