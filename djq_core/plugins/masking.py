"""Texts of others that may quote what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: What is shown in place of a secret.
HIDDEN: Final = "********"
#: Shorter texts are no secrets, and would be found in every word.
_SHORTEST: Final = 4


def masked(text: str, settings: Mapping[str, Any]) -> str:
    """Return a text without the texts that these settings hold, at any depth; the longest are looked for first."""
    for secret in sorted(set(_texts(settings)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)
