"""The promises of an error reporter, with the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import sentry_sdk

from djq_core.testing import ErrorReporterContract
from djq_sentry.reporter import SentryReporter
from tests.services.recorder import Recorder


class TestSentryReporter(ErrorReporterContract):
    reporter_class = SentryReporter

    @pytest.fixture
    def settings(self, dsn: str) -> Iterator[dict[str, Any]]:
        scope = sentry_sdk.get_global_scope()
        before = scope.client
        scope.set_client(None)
        yield {"dsn": dsn, "default_integrations": False}
        sentry_sdk.get_client().close(timeout=0.1)
        scope.set_client(before)

    @pytest.fixture
    def arrived(self, recorder: Recorder) -> Callable[[], list[str]]:
        return lambda: [request.text for request in recorder.requests]

    @pytest.fixture
    def outage(self, recorder: Recorder) -> Callable[[], AbstractContextManager[Any]]:
        return recorder.refusing
