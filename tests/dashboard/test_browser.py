"""The dashboard in a browser: alive, by keyboard, in the dark, on a telephone, with a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from djq_core.models import Schedule, Task
from djq_core.monitor import Stat
from djq_core.tasks import async_task
from tests.dashboard.conftest import ADDRESS
from tests.dashboard.seeding import SCRIPT, add_failure, add_schedule, fill
from tests.harness.clusters import PATIENCE, ClusterProcess
from tests.harness.databases import site_settings, write_settings
from tests.harness.waiting import wait_until
from tests.monitor.dashboard.parts import AWAY
from tests.services.browsing import IN_ONE_WORKER, Keep
from tests.services.live import LiveSite

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [IN_ONE_WORKER, pytest.mark.usefixtures("live_site")]

Q_CLUSTER = {"name": "shop", "orm": "default", "workers": 2, "guard_cycle": 0.2, "ALT_CLUSTERS": {"reports": {}}}
TASKS = "tests.harness.tasks"
BROKEN_RULES = "axe.run('#djq').then(told => told.violations.map(rule => `${rule.id}: ${rule.nodes[0].html}`))"
TABLES_WITHOUT_NAMES = """
    [...document.querySelectorAll("#djq table")].filter(table => !table.caption?.textContent.trim()
        || [...table.querySelectorAll("th")].some(th => !th.scope)).length
"""
#: The tables that have to be scrolled sideways.
HIDDEN = "[...document.querySelectorAll('.djq-scroll')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.id)"


@pytest.fixture
def cluster(live_site: LiveSite, tmp_path: Path) -> Iterator[ClusterProcess]:
    """A cluster on the database of the live site, which shares a cache with it."""
    made = site_settings(connections.settings["default"], tmp_path)
    env = write_settings(tmp_path, **{**made, "SECRET_KEY": settings.SECRET_KEY, "Q_CLUSTER": Q_CLUSTER})
    with override_settings(CACHES=made["CACHES"], Q_CLUSTER=Q_CLUSTER):
        running = ClusterProcess(tmp_path, tmp_path / "cluster.log", env)
        try:
            running.wait_running()
            wait_until(_is_idle, PATIENCE, "the cluster is seen with its workers")
            yield running
        finally:
            running.kill_all()


def _is_idle() -> bool:
    return [(stat.status, len(stat.workers)) for stat in Stat.get_all()] == [("Idle", 2)]


def visit(page: Page) -> None:
    """Open the page under a strict policy, with a clock of the test's."""
    page.clock.install()
    page.route(f"**{ADDRESS}", _strictly)
    page.goto(ADDRESS)
    wait_for_state(page, "Updated every 5 seconds")


def _strictly(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": "default-src 'self'"})


def wait_for_state(page: Page, text: str) -> None:
    page.get_by_role("status").filter(has_text=text).wait_for()


def refresh(page: Page, seconds: int = 5) -> None:
    """Let the time pass in which the page asks again, and wait for the answer."""
    before = page.locator("#djq-glance time").get_attribute("datetime")
    page.clock.fast_forward(seconds * 1000)
    page.wait_for_function("before => document.querySelector('#djq-glance time').dateTime !== before", arg=before)


def focused(page: Page) -> Any:
    return page.evaluate("[document.activeElement.name, document.activeElement.value]")


def test_it_follows_a_cluster(page: Page, cluster: ClusterProcess, keep: Keep) -> None:
    add_schedule("every hour")
    visit(page)
    assert page.get_by_text("2 idle workers").count() == 1
    async_task(f"{TASKS}.mark", "slow", 60.0, task_name="slow-task", ack_failure=True)
    async_task(f"{TASKS}.fail", "bad", task_name="bad-task", ack_failure=True)
    wait_until(
        lambda: [run.name for stat in Stat.get_all() for run in stat.running] == ["slow-task"], PATIENCE, "at work"
    )
    wait_until(lambda: Task.objects.filter(success=False).exists(), PATIENCE, "failed")
    page.get_by_text("The charts as a table").click()
    page.get_by_role("button", name="Pause every hour").focus()
    refresh(page)
    row = page.locator("#djq-workers-1 tbody tr").first
    assert ["slow-task", f"{TASKS}.mark"] == row.locator("td").all_inner_texts()[1:3]
    assert page.locator("#djq-clusters-1").get_by_text("Working").is_visible()
    assert page.locator("#djq-functions").get_by_text(f"{TASKS}.fail").is_visible()
    assert page.get_by_role("table", name="The last half hour").is_visible()
    assert focused(page) == ["pause", str(Schedule.objects.get().pk)]
    keep(page, "dashboard-busy")
    page.emulate_media(color_scheme="dark")
    keep(page, "dashboard-dark")
    page.set_viewport_size({"width": 400, "height": 800})
    keep(page, "dashboard-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_buttons_are_pressed_with_the_keyboard(page: Page) -> None:
    add_schedule("every hour")
    add_failure("lost-orange")
    visit(page)
    page.get_by_role("button", name="Pause every hour").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_text("“every hour” is paused.").wait_for()
    page.get_by_role("button", name="Resume every hour").press("Enter")
    page.get_by_text("“every hour” runs again.").wait_for()
    assert Schedule.objects.get().repeats == -1
    page.get_by_role("button", name="Resubmit lost-orange").press("Space")
    page.get_by_text("“lost-orange” was put back on the queue.").wait_for()
    assert not Task.objects.exists()


def test_it_says_when_it_is_paused_away_and_over(page: Page, troubles: list[str], keep: Keep) -> None:
    visit(page)
    page.get_by_role("button", name="Pause updates").click()
    wait_for_state(page, "Updates are paused")
    add_failure("seen later")
    page.clock.fast_forward(60_000)
    assert page.get_by_text("Nothing failed.").is_visible()
    page.get_by_role("button", name="Resume updates").click()
    refresh(page, 0)
    assert page.get_by_text("seen later").first.is_visible()
    wait_for_state(page, "Updated every")
    page.context.set_offline(True)
    page.clock.fast_forward(5_000)
    wait_for_state(page, "The server does not answer")
    keep(page, "dashboard-away")
    page.context.set_offline(False)
    refresh(page, 10)
    wait_for_state(page, "Updated every")
    page.context.clear_cookies()
    page.clock.fast_forward(5_000)
    wait_for_state(page, "You are logged out")
    assert all("ERR_INTERNET_DISCONNECTED" in trouble for trouble in troubles)
    troubles.clear()


def test_what_is_named_with_a_script_is_text_and_every_table_has_a_name(page: Page, keep: Keep) -> None:
    fill(SCRIPT)
    visit(page)
    refresh(page)
    assert page.get_by_text(SCRIPT).count() > 10
    assert page.evaluate(TABLES_WITHOUT_NAMES) == 0
    keep(page, "dashboard-hostile")


def test_long_names_hide_no_button(page: Page, keep: Keep) -> None:
    fill("x" * 100)
    add_failure("y" * 100, func="z" * 200)
    visit(page)
    button = page.get_by_role("button", name=f"Resubmit {'y' * 100}").bounding_box()
    assert button is not None
    assert button["x"] + button["width"] <= 1440
    keep(page, "dashboard-long-names")


def test_no_width_of_a_desktop_hides_a_button(page: Page) -> None:
    add_failure("y" * 100, func="z" * 200)
    for language in ("en", "de", "fr"):
        with override_settings(LANGUAGE_CODE=language):
            page.goto(ADDRESS)
        for width in (1120, 1300, 1440, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(HIDDEN) == [], (language, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(page: Page, scheme: Any) -> None:
    fill("four-oranges")
    page.emulate_media(color_scheme=scheme)
    page.goto(ADDRESS)
    page.get_by_text("The charts as a table").click()
    page.evaluate(axe())
    assert page.evaluate(BROKEN_RULES) == []


def axe() -> str:
    """Return the script that knows the rules of WCAG."""
    package = pytest.importorskip("axe_playwright_python", exc_type=ImportError)
    return (Path(package.__file__).parent / "axe.min.js").read_text()


def test_nothing_and_nobody_look_well_too(page: Page, keep: Keep) -> None:
    page.goto(ADDRESS)
    keep(page, "dashboard-empty")
    with override_settings(Q_CLUSTER={"broker_class": AWAY}):
        page.reload()
        assert page.get_by_text("The broker does not answer").is_visible()
        keep(page, "dashboard-broker-away")
