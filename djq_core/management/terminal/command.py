"""The base of the commands that show something in the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _

from djq_core import optional
from djq_core.management.base import TranslatedCommand, language_of
from djq_core.management.numbers import number
from djq_core.management.terminal.words import clean_json
from djq_core.monitor.secrets import first_line
from djq_core.phrases import in_words
from djq_core.results.database import is_of_a_missing_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from djq_core.management.terminal.views import View

#: The columns that a picture may take where it does not go to a terminal.
_WIDE = 160
#: The fewest and the most seconds between two looks.
_SHORTEST, _LONGEST = 0.1, 3600.0


class TerminalCommand(TranslatedCommand):
    """Shows something as JSON, as text, or live; what is wrong is one line on standard error and exit code 1.

    System checks are left out, for it is asked when something is wrong.
    """

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare ``--json``."""
        parser.add_argument("--json", action="store_true", help=_("Write JSON; needs nothing to be installed."))

    def handle(self, *args: Any, **options: Any) -> None:
        """Show it."""
        try:
            with language_of(options):
                self.show(options)
        except (ImproperlyConfigured, ImportError) as error:
            raise CommandError(in_words(error)) from error
        except DatabaseError as error:
            raise CommandError(_trouble_of(error)) from error

    def show(self, options: dict[str, Any]) -> None:
        """Write what was asked for; raise ImportError that says what to install."""
        raise NotImplementedError

    # Ways to show

    def write_json(self, value: object) -> None:
        """Write a value, dataclasses and times in it too."""
        self.stdout.write(clean_json(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json)))

    def write_view(self, view: View, *, no_color: bool) -> None:
        """Read a view once and write it."""
        data = view.read()
        self.write_drawn(lambda width: view.draw(data, width), no_color=no_color)

    def write_drawn(self, draw: Callable[[int], RenderableType], *, no_color: bool) -> None:
        """Write what rich draws, as wide as the terminal."""
        from rich.console import Console

        is_terminal = self.stdout.isatty()
        has_colours = is_terminal and not no_color
        width = None if is_terminal else _WIDE
        console = Console(force_terminal=is_terminal, color_system="auto" if has_colours else None, width=width)
        with console.capture() as capture:
            console.print(draw(console.width))
        self.stdout.write("\n".join(line.rstrip() for line in capture.get().splitlines()))

    def run_live(self, views: Sequence[View], start: str, interval: float, *, no_color: bool) -> None:
        """Show views until the reader quits; raise CommandError where there is no terminal."""
        if not (self.stdout.isatty() and self.stderr.isatty()):  # Textual writes to the second
            raise CommandError(_("This needs a terminal. Use --run-once or --json."))
        from djq_core.management.terminal.live import watch

        watch(views, start, interval, no_color=no_color)

    @staticmethod
    def needs_pictures() -> None:
        """Raise ImportError where what draws is not installed."""
        optional.terminal()


def add_live_arguments(parser: CommandParser) -> None:
    """Declare the options of a live command."""
    parser.add_argument("--run-once", action="store_true", help=_("Print one picture and exit."))
    often = _("Look so often; 1 by default.")
    parser.add_argument("--interval", type=seconds, default=1.0, metavar="SECONDS", help=often)


def seconds(text: str) -> float:
    """Return a time from the command line, within a tenth of a second and an hour."""
    return min(_LONGEST, max(_SHORTEST, number(text)))


def _trouble_of(error: DatabaseError) -> str:
    told = {"error": first_line(error)}
    if is_of_a_missing_table(error):
        return _("A table is missing: %(error)s. Run: python manage.py migrate") % told
    return _("The database does not answer: %(error)s") % told


def _as_json(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
