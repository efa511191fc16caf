"""A folder for tiny distributions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.distributions import Site, site_at


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give an empty folder to install distributions in."""
    with site_at(tmp_path) as made:
        yield made
