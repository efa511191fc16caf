"""A receiver of items, and sites with a real cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.djq_rollbar.tests.endpoint import Endpoint
from tests.harness.fixtures import make_site, sqlite_databases

__all__ = ["make_site", "sqlite_databases"]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give a running endpoint."""
    with Endpoint() as made:
        yield made
