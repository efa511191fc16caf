"""Views that renew themselves until the reader quits: Textual shows what rich draws."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import translation
from django.utils.translation import gettext as _
from rich.console import Group
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.filter import LineFilter, Monochrome
from textual.widgets import Footer, Static

from djq_core.cluster.databases import close_connections, refresh_connections
from djq_core.management.terminal.words import clean
from djq_core.monitor.secrets import first_line

if TYPE_CHECKING:
    from djq_core.management.terminal.views import View

#: After so many seconds without an answer, and as many looks, what is shown is said to be old.
_SILENCE, _LOOKS = 5.0, 3
#: The columns that the frame takes, with a scroll bar.
_FRAME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a view has read at a moment; ``problem`` says why it could not, ``data`` is then what it read before."""

    view: View
    at: datetime
    data: Any = None
    problem: str = ""


def look(view: View) -> Look:
    """Read a view; never raise."""
    refresh_connections()
    try:
        return Look(view=view, at=datetime.now(), data=view.read())  # noqa: DTZ005 - the reader's own clock
    except Exception as error:  # whatever a broker's client or a database's driver raises; the next look is another
        return Look(view=view, at=datetime.now(), problem=first_line(error))  # noqa: DTZ005


class Reader(threading.Thread):
    """Reads the chosen view again and again; a thread, for a server that is away keeps a call waiting."""

    def __init__(self, chosen: Callable[[], View], deliver: Callable[[Look], object], interval: float) -> None:
        super().__init__(name="djq-monitor", daemon=True)
        self._chosen = chosen
        self._deliver = deliver
        self._interval = interval
        self._language = translation.get_language()
        self._is_wanted = threading.Event()
        self._is_over = threading.Event()

    def run(self) -> None:
        """Read until it is over, in the language of the screen."""
        while not self._is_over.is_set():
            self._is_wanted.clear()
            with translation.override(self._language):
                found = look(self._chosen())
            with suppress(RuntimeError, CancelledError):  # the screen is gone
                self._deliver(found)
            self._is_wanted.wait(self._interval)
        close_connections()

    def hurry(self) -> None:
        """Read now."""
        self._is_wanted.set()

    def end(self) -> None:
        """Read no more; do not wait for the reading that goes on."""
        self._is_over.set()
        self._is_wanted.set()


class Live(App[None]):
    """A line with the title, the view, and a line with the keys."""

    CSS = """
    #title { height: 1; background: $primary-darken-2; color: $text; padding: 0 1; }
    #body { height: auto; padding: 1 1 0 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(self, views: Sequence[View], start: str, interval: float, *, no_color: bool = False) -> None:
        super().__init__()
        self._heard = datetime.now()  # noqa: DTZ005
        self._silence = max(_SILENCE, _LOOKS * interval)
        self._grey = [Monochrome()] if no_color else []
        self._views = {view.name: view for view in views}
        self._view = self._views[start]
        self._look: Look | None = None
        self._language = translation.get_language()
        self._reader = Reader(lambda: self._view, self._deliver, interval)
        if len(views) > 1:
            for key, view in enumerate(views, start=1):
                self.bind(str(key), f"switch('{view.name}')", description=view.title)
            self.bind("right", "turn(1)", show=False)
            self.bind("left", "turn(-1)", show=False)
        self.bind("q", "quit", description=_("Quit"))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what takes the colours away, where nobody wants them."""
        return [*super().get_line_filters(), *self._grey]

    def compose(self) -> ComposeResult:
        """Build the screen."""
        yield Static(id="title")
        with VerticalScroll():
            yield Static(_("Looking …"), id="body")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to read."""
        self._reader.start()
        self._draw()
        self.set_interval(1.0, self._remind)

    def on_unmount(self) -> None:
        """Read no more."""
        self._reader.end()

    def on_resize(self) -> None:
        """Draw in the new width."""
        self._draw()

    def action_switch(self, name: str) -> None:
        """Show another view."""
        if name != self._view.name:
            self._view, self._look = self._views[name], None
            self.query_one(VerticalScroll).scroll_home(animate=False)
            self._draw()
        self._reader.hurry()

    def action_turn(self, step: int) -> None:
        """Show the next view, or the one before."""
        names = list(self._views)
        self.action_switch(names[(names.index(self._view.name) + step) % len(names)])

    def _deliver(self, found: Look) -> None:
        if self.is_running:
            self.call_from_thread(self._take, found)

    def _take(self, found: Look) -> None:
        if found.view is not self._view:
            return
        if found.problem and self._look:
            found = replace(found, data=self._look.data)
        self._look, self._heard = found, datetime.now()  # noqa: DTZ005
        self._draw()

    def _remind(self) -> None:
        if self._look and self._silent_since():
            self._draw()

    def _silent_since(self) -> datetime | None:
        is_silent = (datetime.now() - self._heard).total_seconds() > self._silence  # noqa: DTZ005
        return self._heard if is_silent else None

    def _draw(self) -> None:
        with translation.override(self._language):  # what the reader's thread calls knows no language
            self._show(self._look)

    def _show(self, found: Look | None) -> None:
        clock = f"{found.at:%H:%M:%S}" if found else ""
        width = max(1, self.size.width - _FRAME)
        title = f"djq  {self._view.title}"
        self.query_one("#title", Static).update(Text(f"{title}{clock:>{max(1, self.size.width - 2 - len(title))}}"))
        body = self.query_one("#body", Static)
        body.update(Group(*_parts(found, width, silent_since=self._silent_since())) if found else _("Looking …"))


def _parts(found: Look, width: int, *, silent_since: datetime | None) -> Iterator[Any]:
    if silent_since:
        yield Text(_("Nothing has answered since %(time)s.") % {"time": f"{silent_since:%H:%M:%S}"}, style="bold red")
        yield Text()
    if found.problem:
        yield Text(_("This cannot be read now: %(error)s") % {"error": clean(found.problem)}, style="bold red")
        yield Text()
    if found.data is not None:
        yield found.view.draw(found.data, width)


def watch(views: Sequence[View], start: str, interval: float, *, no_color: bool = False) -> None:
    """Show views until the reader quits."""
    with _no_log_on_the_screen():
        Live(views, start, interval, no_color=no_color).run()


@contextmanager
def _no_log_on_the_screen() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
