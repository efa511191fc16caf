"""The entry point."""

from __future__ import annotations

import subprocess
import sys

from importlib_metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="sqs")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_sqs.broker", "sqs")]


def test_the_client_library_is_imported_by_those_who_use_the_queue() -> None:
    script = (
        "import sys, djq_sqs.plugin as plugin\n"
        "from django.conf import settings\n"
        "settings.configure()\n"
        "(kind,) = plugin.djq_register_brokers()\n"
        "broker = kind()\n"
        "kind.for_keys({'sqs': {'aws_region': 'eu-central-1'}})\n"
        "assert 'botocore' not in sys.modules\n"
        "assert 'boto3' not in sys.modules\n"
        "broker.ping()\n"
        "assert 'boto3' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
