"""Schedules that stand in code: what a decorator leaves on a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

MARK: Final = "__djq_schedules__"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One schedule of a function: the fields of its row, and the key that finds the row again."""

    key: str
    fields: Mapping[str, Any]


def declared_in(module: ModuleType) -> Iterator[Declaration]:
    """Yield the schedules that are declared by functions of this module, not by what it imports."""
    for function in list(vars(module).values()):
        if callable(function) and getattr(function, "__module__", None) == module.__name__:
            yield from getattr(function, MARK, ())
