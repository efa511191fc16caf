"""What the reasoning about a task comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why a task is where it is.

    ``code`` is its name for programs, ``headline`` the answer in a sentence, ``details`` what it rests on, ``remedy``
    what to do. ``is_trouble`` says that somebody has to do something before the task runs, or that it has failed.
    """

    code: str
    headline: str
    details: tuple[str, ...] = ()
    remedy: str = ""
    is_trouble: bool = True

    def with_details(self, details: Iterable[str]) -> Cause:
        """Return the same with more to say."""
        return replace(self, details=(*self.details, *details))

    def as_dict(self) -> dict[str, Any]:
        """Return it for a program."""
        return {
            "cause": self.code,
            "trouble": self.is_trouble,
            "headline": self.headline,
            "details": list(self.details),
            "remedy": self.remedy,
        }


def fine(code: str, headline: str, *details: str, remedy: str = "") -> Cause:
    """Return a cause that is as it should be."""
    return Cause(code=code, headline=headline, details=details, remedy=remedy, is_trouble=False)


def trouble(code: str, headline: str, *details: str, remedy: str) -> Cause:
    """Return a cause that somebody has to do something about."""
    return Cause(code=code, headline=headline, details=details, remedy=remedy)
