"""A recording endpoint in Sentry's place, and sites with a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.fixtures import MakeSite, make_site, sqlite_databases
from tests.harness.sites import Site
from tests.services.recorder import Recorder

__all__ = ["make_site", "sqlite_databases"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Give an endpoint of this test alone."""
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def dsn(recorder: Recorder) -> str:
    """Give the DSN that leads to it."""
    return f"{recorder.url.replace('//', '//key@')}/42"


@pytest.fixture
def make_sentry_site(make_site: MakeSite, dsn: str) -> Any:
    """Make sites whose errors go to the endpoint, with one worker and other keys of their own."""

    def make(sentry: dict[str, Any] | None = None, **q_cluster: Any) -> Site:
        settings = {"dsn": dsn, "traces_sample_rate": 1.0} if sentry is None else sentry
        keys = {"workers": 1, "ack_failures": True, "error_reporter": {"sentry": settings}, **q_cluster}
        return make_site(q_cluster=keys)

    return make
