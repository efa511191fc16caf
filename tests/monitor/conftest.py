"""Each test finds the caches empty, and leaves them so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()
