"""What is secret in settings, in arguments and in texts that quote them, and what is shown instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: What is shown in place of a secret.
HIDDEN: Final = "********"
#: Shorter texts are no secrets, and would be found in every word.
_SHORTEST: Final = 4
_WORDS: Final = "pass|pwd|secret|token|auth|cred|key|dsn|salt|sign|cert|private"
_SECRET_NAME: Final = re.compile(_WORDS, re.IGNORECASE)
#: Who logs in, and with what: all up to the last @ of a setting, which is one URI whose password may hold anything.
IN_SETTING: Final = re.compile(r"://.*@", re.DOTALL)
#: ``password=…`` in the query of a URI, or in a text of settings as some clients take it.
ASSIGNED: Final = re.compile(rf"([\w.-]*(?:{_WORDS})[\w.-]*\s*=\s*)[^\s&;#,]+", re.IGNORECASE)


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


def is_secret(name: str) -> bool:
    """Return whether a setting of this name holds what must not be shown, as far as a name tells."""
    return bool(_SECRET_NAME.search(name))


def shown(name: str, value: object) -> Any:
    """Return the value of a setting as :func:`plain` does, hidden where its name says that it is secret."""
    return HIDDEN if is_secret(name) and value not in (None, "", True, False) else plain(value)


def plain(value: object) -> Any:
    """Return a setting as JSON has it, without what is secret in it; an object of some class is only named."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return ASSIGNED.sub(rf"\1{HIDDEN}", IN_SETTING.sub(f"://{HIDDEN}@", value))
    if isinstance(value, Mapping):
        return {str(key): shown(str(key), each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return f"<{type(value).__name__}>"
