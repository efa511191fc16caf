"""The contract of every broker, on one Disque node."""

from __future__ import annotations

import pytest

from plugins.djq_disque.tests.contract import DisqueContract

#: On two nodes, where more can go wrong, it is held in every run.
pytestmark = pytest.mark.chaos


class TestOneNode(DisqueContract):
    """The whole contract."""
