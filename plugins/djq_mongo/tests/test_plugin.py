"""The entry point."""

from __future__ import annotations

import subprocess
import sys

from importlib_metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="mongo")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_mongo.broker", "mongo")]


def test_the_client_library_is_imported_by_those_who_use_the_broker() -> None:
    script = (
        "import sys, djq_mongo.plugin as plugin\n"
        "from django.conf import settings\n"
        "settings.configure()\n"
        "(broker,) = plugin.djq_register_brokers()\n"
        "assert not {'pymongo', 'bson'} & set(sys.modules)\n"
        "broker.read_options({})\n"
        "assert 'pymongo' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
