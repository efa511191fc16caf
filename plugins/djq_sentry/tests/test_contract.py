"""The promises of an error reporter, with the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import sentry_sdk

from djq_core.testing import ErrorReporterContract
from djq_sentry.reporter import SentryReporter
from plugins.djq_sentry.tests.envelopes import Inbox


class TestSentryReporter(ErrorReporterContract):
    reporter_class = SentryReporter

    @pytest.fixture
    def settings(self, inbox: Inbox) -> Iterator[dict[str, Any]]:
        scope = sentry_sdk.get_global_scope()
        before = scope.client
        scope.set_client(None)
        yield {"dsn": inbox.dsn, "default_integrations": False}
        sentry_sdk.get_client().close(timeout=0.1)
        scope.set_client(before)

    @pytest.fixture
    def arrived(self, inbox: Inbox) -> Callable[[], list[str]]:
        return lambda: [request.text for request in inbox.requests]

    @pytest.fixture
    def outage(self, inbox: Inbox) -> Callable[[], AbstractContextManager[Any]]:
        return inbox.endpoint.refusing
