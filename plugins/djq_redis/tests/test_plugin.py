"""The entry point."""

from __future__ import annotations

import subprocess
import sys

from importlib_metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="redis")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_redis.list_broker", "redis")]


def test_the_client_library_is_imported_by_those_who_use_the_broker() -> None:
    script = (
        "import sys, djq_redis.plugin as plugin\n"
        "from django.conf import settings\n"
        "settings.configure()\n"
        "(broker,) = plugin.djq_register_brokers()\n"
        "assert 'redis' not in sys.modules\n"
        "broker.read_options({})\n"
        "assert 'redis' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
