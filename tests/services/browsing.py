"""Fixtures for tests that look at the site with a browser.

Such a test carries ``pytestmark = IN_ONE_WORKER``, so that one browser serves them all. ``live_site``, which ``page``
asks for, brings a database of its own that is committed to; the mark ``django_db`` is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.services import chromium, live, unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

IN_ONE_WORKER = pytest.mark.xdist_group("chromium")
SIZE: Any = {"width": 1440, "height": 900}
#: Milliseconds that a page may take.
PATIENCE = 60_000


class Keep(Protocol):
    """Saves a picture of a page."""

    def __call__(self, page: Page, name: str) -> Path:
        """Save the whole page as ``name``.png in the folder ``DJQ_SCREENSHOTS`` or the test's own; return its path."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the browser that this test process has for itself."""
    try:
        with chromium.running() as running:
            yield running
    except chromium.Missing as error:
        unavailable(str(error))


@pytest.fixture
def live_site(db: None, tmp_path: Path) -> Iterator[live.LiveSite]:
    """Serve the site under test; its database, which the test may use as ever, is its own."""
    with live.database_in_file(tmp_path / "live.sqlite3"), live.served() as site:
        yield site


@pytest.fixture
def troubles() -> list[str]:
    """What the pages of this test complained of; a test that means it takes it out."""
    return []


@pytest.fixture
def page(browser: Browser, live_site: live.LiveSite, troubles: list[str]) -> Iterator[Page]:
    """Give an empty page of a browser in which the superuser of the live site is logged in.

    The test fails when a page logs an error, raises one, or asks another host for something.
    """
    context = browser.new_context(base_url=live_site.url, viewport=SIZE, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(PATIENCE)
    session = live_site.session_of(live_site.user)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_site.url}])
    page = context.new_page()
    _listen(page, live_site.url, troubles)
    yield page
    context.close()
    assert troubles == []


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Save pictures of pages for a person to look at."""
    folder = Path(os.environ.get("DJQ_SCREENSHOTS") or tmp_path)

    def keep(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return keep


def _listen(page: Page, home: str, troubles: list[str]) -> None:
    """Write down what a page complains of; these functions run in Playwright's thread."""

    def on_console(said: ConsoleMessage) -> None:
        place = said.location["url"]
        if said.type == "error" and not place.endswith("/favicon.ico"):
            troubles.append(f"console: {said.text} {place}".strip())

    def on_dialog(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if not request.url.startswith((f"{home}/", "data:", "blob:")):
            troubles.append(f"asked: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("dialog", on_dialog)
    page.on("request", on_request)
