"""A view: what it reads, and how that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One of the pictures of a live command.

    ``name`` is that of the command line, ``title`` what people read. ``read`` asks broker, cache and database, and
    raises what these raise; ``draw`` is given what it returned, and the columns that there are.
    """

    name: str
    title: str
    read: Callable[[], Any]
    draw: Callable[[Any, int], RenderableType]
