"""The contract of an error reporter, with the real library of Rollbar and a local endpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from djq_core.testing import ErrorReporterContract
from djq_rollbar.reporter import RollbarReporter
from plugins.djq_rollbar.tests.endpoint import Endpoint


@pytest.mark.usefixtures("library")
class RollbarContract(ErrorReporterContract):
    reporter_class = RollbarReporter
    handler: str

    @pytest.fixture
    def settings(self, endpoint: Endpoint) -> dict[str, Any]:
        return {"access_token": "t" * 32, "endpoint": endpoint.url, "handler": self.handler, "timeout": 3}

    @pytest.fixture
    def arrived(self, endpoint: Endpoint) -> Callable[[], list[str]]:
        return lambda: endpoint.texts

    @pytest.fixture
    def outage(self, endpoint: Endpoint) -> Callable[[], AbstractContextManager[None]]:
        return endpoint.away


class TestThread(RollbarContract):
    handler = "thread"


class TestBlocking(RollbarContract):
    handler = "blocking"


class TestThreadPool(RollbarContract):
    handler = "thread_pool"
