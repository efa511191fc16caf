"""The plugins of ours that may not be installed, and the nearest name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

#: The distribution that brings a broker.
KNOWN_BROKERS: Final = MappingProxyType(
    {name: f"djq-{name}" for name in ("disque", "ironmq", "mongo", "orm", "redis", "sqs")}
)

#: The distribution that brings an error reporter.
KNOWN_REPORTERS: Final = MappingProxyType({name: f"djq-{name}" for name in ("rollbar", "sentry")})


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a misspelt one, whatever their case; None where none is."""
    folded = {each.casefold(): each for each in sorted(names)}
    found = get_close_matches(name.casefold(), folded, n=1)
    return folded[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?``, or nothing."""
    found = nearest(name, names)
    return f" Did you mean {found!r}?" if found else ""
