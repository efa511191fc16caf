"""The browser of the tests: it sees the site, and complaints of a page are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from djq_core.models import Schedule
from tests.services.browsing import IN_ONE_WORKER, Keep
from tests.services.live import LiveSite

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [IN_ONE_WORKER, pytest.mark.usefixtures("live_site")]


def test_a_test_and_its_browser_see_one_database(page: Page, keep: Keep) -> None:
    Schedule.objects.create(func="math.pow", name="seen by both")
    page.goto("/admin/djq_core/schedule/")
    assert page.get_by_role("link", name="seen by both").is_visible()
    assert page.locator("#header").evaluate("e => getComputedStyle(e).display") == "flex"
    assert keep(page, "browser-schedules").read_bytes().startswith(b"\x89PNG")
    Schedule.objects.all().delete()
    page.reload()
    assert page.get_by_text("0 Scheduled tasks").count() == 1


def test_what_a_page_complains_of_is_kept(page: Page, live_site: LiveSite, troubles: list[str]) -> None:
    page.goto("/admin/login/")
    page.evaluate("console.error('logged'); setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("alert('shown')")
    page.evaluate("fetch('http://localhost:9/').catch(() => 0)")
    page.wait_for_function("true")
    assert {"console: logged", "error: thrown", "dialog: shown", "asked: http://localhost:9/"} <= set(troubles)
    troubles.clear()


def test_nobody_else_is_logged_in(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/admin/djq_core/schedule/")
    assert "/admin/login/" in page.url
