"""Which functions may be run and called as hooks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from djq_core.conf.kinds import OUT_OF_RANGE, Kind, Names, Refused

_PATTERN: Final = re.compile(r"([^\W\d]\w*\.)+([^\W\d]\w*|\*)")
_TEXTS: Final = Names()


@dataclass(frozen=True, slots=True)
class AllowList:
    """Dotted paths, as they are written, and what comes before a last ``.*``.

    The asterisk is one name that does not begin with an underscore: ``shop.tasks.*`` has no ``shop.tasks.os.system``.
    """

    paths: frozenset[str]
    homes: frozenset[str]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> AllowList:
        """Return the list of patterns such as ``shop.tasks.send`` and ``shop.tasks.*``."""
        given = list(patterns)
        homes = (each.removesuffix(".*") for each in given if each.endswith(".*"))
        return cls(frozenset(each for each in given if not each.endswith("*")), frozenset(homes))

    def allows(self, path: str) -> bool:
        """Is this path on the list?"""
        home, _, name = path.rpartition(".")
        return path in self.paths or (home in self.homes and not name.startswith("_"))

    def has_home(self, path: str, function: object) -> bool:
        """Is what was found behind an allowed path what the list means: named itself, or defined in that module?

        A module that imports ``system`` from ``os`` does not make ``os.system`` one of its own.
        """
        return path in self.paths or path.startswith(f"{getattr(function, '__module__', None)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns(Kind):
    """A collection of dotted paths, the last name of which may be an asterisk; kept as an AllowList."""

    def _text(self) -> str:
        return "a list of dotted paths such as 'shop.tasks.send' and 'shop.tasks.*'"

    def _read(self, value: Any) -> AllowList:
        patterns = _TEXTS.read(value)
        if not all(map(_PATTERN.fullmatch, patterns)):
            raise Refused(
                OUT_OF_RANGE, "a list with a text that is none", "An asterisk stands for one whole last name."
            )
        return AllowList.of(patterns)
