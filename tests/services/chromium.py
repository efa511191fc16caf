"""A browser of the tests' own: headless Chromium, from Debian, that Playwright drives from a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from tests.services import debian

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Missing(Exception):
    """No browser can be started here."""


class Apart:
    """Something of Playwright that is used from another thread: calls and attributes are those of the thing itself.

    Playwright's synchronous API leaves an event loop running in its thread, where Django then refuses to touch a
    database. So it has a thread, and tests have theirs.
    """

    def __init__(self, thread: ThreadPoolExecutor, thing: Any) -> None:
        self._thread = thread
        self._thing = thing

    def __getattr__(self, name: str) -> Any:
        return self._do(getattr, self._thing, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._do(self._thing, *args, **kwargs)

    def __enter__(self) -> Any:
        return self._do(self._thing.__enter__)

    def __exit__(self, *error: object) -> Any:
        return self._do(self._thing.__exit__, *error)

    def _do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        named = {name: _thing(value) for name, value in kwargs.items()}
        return self._apart(self._thread.submit(function, *map(_thing, args), **named).result())

    def _apart(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._apart(each) for each in value]
        owner = getattr(value, "__self__", value)
        return Apart(self._thread, value) if type(owner).__module__.startswith("playwright.") else value


@contextmanager
def running() -> Iterator[Browser]:
    """Start a browser for as long as the context lasts; raises Missing with the reason."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Missing("no Playwright: install it with pip install playwright") from error
    try:
        program = debian.program("chromium", "chromium")
    except debian.NotInstalled as error:
        raise Missing(str(error)) from error
    with ThreadPoolExecutor(1, "chromium") as thread:
        playwright = Apart(thread, sync_playwright()).start()
        try:
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            yield cast("Browser", browser)
            browser.close()
        finally:
            playwright.stop()


def _thing(value: Any) -> Any:
    return value._thing if isinstance(value, Apart) else value
