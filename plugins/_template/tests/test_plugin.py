"""The entry point; it is there when the distribution is installed: ``pip install -e '.[test]'``."""

from __future__ import annotations

from importlib.metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="acme")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_acme.broker", "acme")]
