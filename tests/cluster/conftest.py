"""What the tests of the cluster's parts share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.stand_ins import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give a maker of children without processes."""
    with ExitStack() as stack:
        yield Bench(stack)
