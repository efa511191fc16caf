"""Brokers on a real server, each test on queues of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_sqs.base import SqsBase
from djq_sqs.broker import SqsBroker
from tests.chaos.conftest import pytest_runtest_makereport, pytest_runtest_setup, rng
from tests.harness.fixtures import MakeSite, make_site, sqlite_databases
from tests.harness.sites import Site
from tests.services import gateway, ministack, unavailable
from tests.services.gateway import Gateway
from tests.services.ministack import MiniStack

__all__ = ["make_site", "pytest_runtest_makereport", "pytest_runtest_setup", "rng", "sqlite_databases"]

MakeBroker = Callable[..., SqsBase]


def site_on(server: MiniStack | Gateway, make_site: MakeSite, time_out: int = 0, **q_cluster: Any) -> Site:
    """Make a site on a queue of its own, for a server has those of all tests, with time-outs of its own if any."""
    times = {"config": {"connect_timeout": time_out, "read_timeout": time_out}} if time_out else {}
    return make_site(broker={"sqs": server.settings(**times)}, q_cluster={"name": f"site-{uuid4().hex}", **q_cluster})


@pytest.fixture(scope="session")
def sqs_server() -> Iterator[MiniStack]:
    """Give a server that this test process has for itself."""
    try:
        with ministack.running() as server:
            yield server
    except ministack.Missing as error:
        unavailable(str(error))


@pytest.fixture
def sqs_gateway(sqs_server: MiniStack) -> Iterator[Gateway]:
    """Give the way to that server, which the test may close and bend."""
    with gateway.before(sqs_server.port) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide what the machine itself has for boto3."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_broker(sqs_gateway: Gateway) -> Iterator[MakeBroker]:
    """Give a maker of brokers on one new queue, reached over the gateway; it is deleted at the end."""
    key = f"djq-{uuid4().hex[:12]}"
    with ExitStack() as stack:

        def make(kind: type[SqsBase] = SqsBroker, *, sqs: Any = None, list_key: str = key, **settings: Any) -> SqsBase:
            options = kind.read_options({"sqs": sqs_gateway.settings(**(sqs or {}))})
            broker = kind(BrokerSettings(list_key=list_key, options=options, **settings))
            stack.callback(broker.close)
            return broker

        yield make


@pytest.fixture
def broker(make_broker: MakeBroker) -> SqsBase:
    """Give a broker of a standard queue."""
    return make_broker()
