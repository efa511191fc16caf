"""A receiver of items, and sites with a real cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rollbar

from plugins.djq_rollbar.tests.endpoint import Endpoint
from tests.harness.fixtures import make_site, sqlite_databases

__all__ = ["make_site", "sqlite_databases"]


@pytest.fixture
def library() -> Iterator[None]:
    """Give a library that nobody has initialised: it takes one configuration in a process."""
    known = dict(rollbar.SETTINGS)
    rollbar._initialized = False
    yield
    rollbar._initialized = False
    rollbar.SETTINGS = known  # type: ignore[assignment]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give a running endpoint."""
    with Endpoint() as made:
        yield made
