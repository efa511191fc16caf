"""The contract of every broker, on one Disque node."""

from __future__ import annotations

from plugins.djq_disque.tests.contract import DisqueContract


class TestOneNode(DisqueContract):
    """The whole contract."""
