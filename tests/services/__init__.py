"""The servers that the tests start themselves, on private ports and folders."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the test with the reason; fail where ``CI`` is set, because there nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (a failure, because CI is set)", pytrace=False)
    pytest.skip(reason)
