"""A broker of three lines serves a site: named by its path, and found by its entry point."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.site import run_tests

BROKER = """
from djq_orm.broker import OrmBroker


class MyBroker(OrmBroker):
    def info(self):
        return "mine, of three lines"
"""
PLUGIN = """
from djq_core import hookimpl
from three_lines import MyBroker


class Installed(MyBroker):
    name = "mine"
    conf_keys = choosing_keys = ()


@hookimpl
def djq_register_brokers():
    return [Installed]
"""
TESTS = """
import pytest

from djq_core.brokers import get_broker
from djq_core.tasks import async_task, result


@pytest.mark.django_db(transaction=True)
def test_it(djq_cluster):
    with djq_cluster({choice}):
        task_id = async_task("site_tasks.double", 4)
    assert result(task_id) == 8
    with djq_cluster({choice}, drain=False):
        assert get_broker().info() == "mine, of three lines"
"""


def test_through_its_path(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(three_lines=BROKER)
    run_tests(pytester, TESTS.format(choice='broker_class="three_lines.MyBroker"')).assert_outcomes(passed=1)


def test_through_an_entry_point(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(three_lines=BROKER, three_lines_plugin=PLUGIN)
    info = Path(pytester.path) / "three_lines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: three-lines\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[djq]\nthree_lines = three_lines_plugin\n")
    run_tests(pytester, TESTS.format(choice='broker="mine"')).assert_outcomes(passed=1)
