"""The entry point."""

from __future__ import annotations

import subprocess
import sys

from importlib_metadata import entry_points


def test_the_entry_point_offers_the_broker() -> None:
    (point,) = entry_points(group="djq", name="orm")
    offered = point.load().djq_register_brokers()
    assert [(broker.__module__, broker.name) for broker in offered] == [("djq_orm.broker", "orm")]


def test_it_is_importable_before_django_is_set_up() -> None:
    script = (
        "import sys, djq_orm.plugin as plugin\n"
        "assert 'djq_orm.models' not in sys.modules\n"
        "(broker,) = plugin.djq_register_brokers()\n"
        "broker()\n"
        "assert 'djq_orm.models' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)


def test_without_its_app_the_broker_says_what_is_missing() -> None:
    script = (
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(SECRET_KEY='x', DATABASES={'default': {"
        "'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})\n"
        "django.setup()\n"
        "from djq_orm.broker import OrmBroker\n"
        "try:\n"
        "    OrmBroker().enqueue('x')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.startswith("ConfigurationError")
    assert "INSTALLED_APPS" in done.stdout
