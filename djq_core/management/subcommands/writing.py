"""Text for a terminal: wrapped to its width, in colours where it has them, and nothing foreign that steers it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from typing import Any, Final

from django.core.management.color import Style, color_style, no_style

from djq_core import current
from djq_core.management.terminal.words import clean

#: The narrowest and the widest lines that are written.
NARROWEST: Final = 60
WIDEST: Final = 100


def width() -> int:
    """Return how wide lines may be: 80 where there is no terminal."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Return a text in lines that begin with ``first`` and ``rest`` (the same where left out); it steers nothing."""
    text = clean(" ".join(text.splitlines()))
    rest = first if rest is None else rest
    own = text[: len(text) - len(text.lstrip())]
    return textwrap.fill(
        text.strip(),
        width(),
        initial_indent=first + own,
        subsequent_indent=rest + own,
        break_long_words=False,
        break_on_hyphens=False,
    )


def style_of(options: Mapping[str, Any]) -> Style:
    """Return the colours, none where ``--no-color`` or ``NO_COLOR`` says so or no terminal shows them."""
    if options.get("force_color"):
        return color_style(force_color=True)
    return no_style() if options.get("no_color") or current.app_config().wants_no_colours else color_style()
