"""The contract of every broker, on two Disque nodes that have copies of each other's jobs."""

from __future__ import annotations

from plugins.djq_disque.tests.contract import DisqueContract


class TestTwoNodes(DisqueContract):
    """The whole contract."""

    nodes = 2
