"""The entry point."""

from __future__ import annotations

import subprocess
import sys

from importlib_metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="disque")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_disque.broker", "disque")]


def test_the_client_library_is_imported_by_those_who_use_the_broker() -> None:
    script = (
        "import sys, djq_disque.plugin as plugin\n"
        "(kind,) = plugin.djq_register_brokers()\n"
        "broker = kind()\n"
        "assert 'redis' not in sys.modules\n"
        "assert not broker.ping() or True\n"
        "assert 'redis' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
