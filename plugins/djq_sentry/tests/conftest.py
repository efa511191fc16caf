"""A recording endpoint in Sentry's place, and sites with a real cluster."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.djq_sentry.tests.envelopes import Inbox
from tests.harness.fixtures import MakeSite, make_site, sqlite_databases
from tests.harness.sites import Site
from tests.services.recorder import Recorder

__all__ = ["make_site", "sqlite_databases"]

_projects = itertools.count(42)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Recorder]:
    """Give the endpoint of all tests."""
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def inbox(endpoint: Recorder) -> Inbox:
    """Give a project of this test alone: what a process of another test sends late goes to that test's."""
    endpoint.forget()
    return Inbox(endpoint, next(_projects))


@pytest.fixture
def make_sentry_site(make_site: MakeSite, inbox: Inbox) -> Any:
    """Make sites whose errors go to the project, with one worker, the tasks of these tests and other keys."""

    def make(sentry: dict[str, Any] | None = None, **q_cluster: Any) -> Site:
        settings = {"dsn": inbox.dsn, "traces_sample_rate": 1.0} if sentry is None else sentry
        keys = {"workers": 1, "ack_failures": True, "error_reporter": {"sentry": settings}, **q_cluster}
        site = make_site(q_cluster=keys)
        shutil.copy(Path(__file__).with_name("errands.py"), site.folder / "errands.py")
        return site

    return make
