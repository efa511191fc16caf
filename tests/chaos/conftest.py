"""Sites, clusters, and luck that can be repeated."""

from __future__ import annotations

import os
import random
import sys

import pytest

from tests.harness.fixtures import (
    make_module_site,
    make_site,
    mariadb_databases,
    postgres_databases,
    sqlite_databases,
)

__all__ = ["make_module_site", "make_site", "mariadb_databases", "postgres_databases", "rng", "sqlite_databases"]

SEED = "DJQ_CHAOS_SEED"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Give the luck of one test; its seed and the command that repeats it are printed."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    request.node.user_properties.append(("seed", seed))
    sys.stdout.write(f"\nseed {seed}; again: {SEED}={seed} python -m pytest '{request.node.nodeid}'\n")
    return random.Random(seed)
