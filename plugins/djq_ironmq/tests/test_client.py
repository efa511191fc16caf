"""What the client library lacks, and what it does too much of."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from djq_core.exceptions import BrokerError
from djq_core.testing.processes import sockets
from djq_ironmq.broker import IronMQBroker
from plugins.djq_ironmq.tests.conftest import MakeBroker
from tests.services.ironmq import IronServer

ELSEWHERE = {"cloud": "http://127.0.0.1:9", "token": "another", "project_id": "another", "path_prefix": "/x"}


@pytest.mark.parametrize("content", [json.dumps(ELSEWHERE), json.dumps({"iron_mq": ELSEWHERE}), "{"])
def test_nothing_is_read_by_accident(
    make_broker: MakeBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    for name in ("iron.json", ".iron.json"):
        (tmp_path / name).write_text(content)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(f"IRON_{name.upper()}", value)
        monkeypatch.setenv(f"IRON_MQ_{name.upper()}", value)
    broker = make_broker()
    broker.enqueue("a")
    assert [delivery.package for delivery in broker.receive(1, 0)] == ["a"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="sockets are told apart through /proc/self/fd")
def test_a_connection_is_kept_open(broker: IronMQBroker) -> None:
    before = sockets()
    broker.enqueue("a")
    opened = sockets() - before
    for _ in range(5):
        broker.acknowledge_many([str(delivery.receipt) for delivery in broker.receive(1, 0)])
        broker.queue_size()
        assert sockets() - before == opened
    assert len(opened) == 1
    broker.close()
    assert sockets() - before == set()


class Keys(BaseHTTPRequestHandler):
    """Keystone: gives the token that its server was told, to whoever has the password."""

    server: Any

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        is_known = asked["auth"]["passwordCredentials"] == {"username": "u", "password": "p4ss"}
        times = {"issued_at": "2026-01-01T00:00:00.123456", "expires": "2026-01-01T01:00:00Z"}
        body = json.dumps({"access": {"token": {"id": self.server.token, **times}}} if self.server.token else {})
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""


@contextmanager
def keystone(token: str) -> Iterator[tuple[Any, dict[str, str]]]:
    with HTTPServer(("127.0.0.1", 0), Keys) as keys:
        keys.token, keys.asked = token, []  # type: ignore[attr-defined]
        thread = threading.Thread(target=keys.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            place = f"http://127.0.0.1:{keys.server_port}/v2.0/"
            yield keys, {"server": place, "tenant": "t", "username": "u", "password": "p4ss"}
        finally:
            keys.shutdown()
            thread.join()


def test_keystone_is_asked_for_a_token_once(iron_server: IronServer, make_broker: MakeBroker) -> None:
    with keystone(iron_server.token) as (keys, words):
        broker = make_broker(token=None, keystone=words)
        broker.enqueue_many(["a", "b"])
        assert len(broker.receive(5, 0)) == 2
        assert [each["auth"]["tenantName"] for each in keys.asked] == ["t"]


@pytest.mark.parametrize(
    ("token", "words"), [("", {}), ("t", {"password": "wr0ng"}), ("t", {"server": "http://127.0.0.1:9"})]
)
def test_keystone_that_gives_no_token_is_told(make_broker: MakeBroker, token: str, words: dict[str, str]) -> None:
    with keystone(token) as (_, known):
        broker = make_broker(token=None, keystone={**known, **words})
        with pytest.raises(BrokerError) as caught:
            broker.enqueue("a")
    assert "Q_CLUSTER['iron_mq']" in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_the_environment_of_the_tests_names_a_server_or_none() -> None:
    """A mistyped name would leave a real server untested without a word."""
    known = {"DJQ_TEST_IRONMQ", *(f"DJQ_TEST_IRONMQ_{name}" for name in ("HOST", "TOKEN", "PROJECT_ID"))}
    assert {name for name in os.environ if name.startswith("DJQ_TEST_IRONMQ")} <= known
