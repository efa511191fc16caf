"""Tests that do not apply to a broker are dropped by name, with a written reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

#: What the reason of a skip begins with where a test was dropped.
DROPPED: Final = "dropped: "


def drop(contract: type[Any]) -> None:
    """Let the tests that a class drops skip with their reason; raise TypeError for one that may not be dropped so."""
    dropped: Mapping[str, str] = vars(contract).get("dropped", {})
    for name, reason in dropped.items():
        if not callable(getattr(contract, name, None)) or not name.startswith("test_"):
            raise TypeError(f"{contract.__name__}.dropped names {name!r}, which is no test of the contract.")
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError(f"{contract.__name__}.dropped gives no reason for {name!r}: write one.")
        setattr(contract, name, _skipped(name, reason))
    _refuse_hidden(contract)


def _skipped(name: str, reason: str) -> Callable[[Any], None]:
    def skipped(self: Any) -> None:
        """Never run."""

    skipped.__name__ = name
    marked: Callable[[Any], None] = pytest.mark.skip(reason=f"{DROPPED}{reason}")(skipped)
    return marked


def _refuse_hidden(contract: type[Any]) -> None:
    hidden = [name for name, value in vars(contract).items() if name.startswith("test_") and not callable(value)]
    if hidden:
        raise TypeError(f"{contract.__name__} hides {hidden[0]!r}: drop it in 'dropped', with its reason.")
