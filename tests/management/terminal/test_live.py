"""The frame of the live commands: what it shows, and that a reading that hangs or raises does not stop it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color

from djq_core.management.terminal.live import Live, look
from djq_core.management.terminal.views import View


def view(name: str, read: Callable[[], Any]) -> View:
    return View(name=name, title=name.title(), read=read, draw=lambda data, width: Text(f"{data} in {width}"))


def driven(views: Sequence[View], drive: Callable[[App[None], Any], Awaitable[None]]) -> int | None:
    """Run the frame without a terminal and drive it; return its exit code."""
    app = Live(views, views[0].name, 0.02)

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await drive(app, pilot)

    asyncio.run(run())
    return app.return_code


def shown(app: App[None]) -> str:
    """Return the texts on the screen, one line each."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def seen(app: App[None], *texts: str) -> str:
    until = time.monotonic() + 10
    while not all(text in shown(app) for text in texts):
        assert time.monotonic() < until, f"{texts} not in\n{shown(app)}"
        await asyncio.sleep(0.02)
    return shown(app)


def test_a_view_is_shown_again_and_again_with_its_keys() -> None:
    counts = iter(range(10**6))

    async def drive(app: App[None], pilot: Any) -> None:
        lines = (await seen(app, "5 in 76")).splitlines()
        assert lines[0].startswith(" djq  First")
        assert lines[-1].split() == ["1", "First", "2", "Second", "q", "Quit"]
        await pilot.press("2")
        await seen(app, "djq  Second", "other in 76")
        await pilot.press("left")
        await seen(app, "djq  First")
        await pilot.press("right", "right", "right")
        await seen(app, "djq  Second")
        await pilot.press("q")

    assert driven([view("first", lambda: next(counts)), view("second", lambda: "other")], drive) == 0


@pytest.mark.parametrize("no_color", [False, True])
def test_it_is_grey_for_who_wants_no_colours(no_color: bool) -> None:
    app = Live([view("first", lambda: "red")], "first", 0.02, no_color=no_color)
    segments = [Segment("red", Style(color="#ff0000"))]
    for line_filter in app.get_line_filters():
        segments = line_filter.apply(segments, Color.parse("black"))
    colours = [segment.style.color for segment in segments if segment.style and segment.style.color]
    assert ({colour.triplet for colour in colours} == {(255, 0, 0)}) is not no_color


def test_what_cannot_be_read_is_one_line_and_comes_back() -> None:
    is_away = threading.Event()

    def read() -> str:
        if is_away.is_set():
            raise ConnectionError("[bold]redis://:s3cret@host\nand more")
        return "something"

    async def drive(app: App[None], pilot: Any) -> None:
        await seen(app, "something")
        is_away.set()
        told = "This cannot be read now: ConnectionError: [bold]redis://********@host"
        screen = await seen(app, told, "something in 76")
        assert "and more" not in screen
        is_away.clear()
        await seen(app, "something")
        while "cannot be read" in shown(app):
            await asyncio.sleep(0.02)

    driven([view("only", read)], drive)


def test_a_reading_that_hangs_does_not_keep_the_reader_from_quitting() -> None:
    is_over = threading.Event()

    async def drive(app: App[None], pilot: Any) -> None:
        await seen(app, "Looking")
        await pilot.press("q")

    began = time.monotonic()
    driven([view("only", lambda: is_over.wait(30))], drive)
    assert time.monotonic() - began < 15
    is_over.set()


def test_what_is_old_is_said_so_while_a_reading_hangs() -> None:
    is_over = threading.Event()
    answers = iter(["fresh"])

    def read() -> str:
        return next(answers, "") or str(is_over.wait(30))

    async def drive(app: App[None], pilot: Any) -> None:
        assert "Nothing has answered" not in await seen(app, "fresh in 76")
        await seen(app, "Nothing has answered since", "fresh in 76")
        is_over.set()
        assert "Nothing has answered" not in await seen(app, "True in 76")
        await pilot.press("q")

    assert driven([view("only", read)], drive) == 0


def test_a_look_never_raises() -> None:
    found = look(view("only", lambda: 1 / 0))
    assert (found.data, found.problem) == (None, "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("size", [(80, 24), (20, 5)])
def test_it_fits_any_size(size: tuple[int, int]) -> None:
    app = Live([view("only", lambda: "x")], "only", 0.02)

    async def run() -> None:
        async with app.run_test(size=size):
            await seen(app, f"x in {size[0] - 4}")

    asyncio.run(run())
