"""What is secret in settings and in texts that quote them, and what is shown instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from djq_core.exceptions import DjqError
from djq_core.phrases import in_words
from djq_core.plugins.masking import HIDDEN

_WORDS: Final = "pass|pwd|secret|token|auth|cred|key|dsn|salt|sign|cert|private"
_SECRET_NAME: Final = re.compile(_WORDS, re.IGNORECASE)
#: Who logs in, and with what: all up to the last @. A setting is one URI, whose password may hold anything; a sentence
#: goes on after it.
_IN_SETTING: Final = re.compile(r"://.*@", re.DOTALL)
_IN_SENTENCE: Final = re.compile(r"://\S*@")
#: ``password=…`` in the query of a URI, or in a text of settings as some clients take it.
_ASSIGNED: Final = re.compile(rf"([\w.-]*(?:{_WORDS})[\w.-]*\s*=\s*)[^\s&;#,]+", re.IGNORECASE)


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
        return _ASSIGNED.sub(rf"\1{HIDDEN}", _IN_SETTING.sub(f"://{HIDDEN}@", value))
    if isinstance(value, Mapping):
        return {str(key): shown(str(key), each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return f"<{type(value).__name__}>"


def without_secrets(text: str) -> str:
    """Return a sentence without user and password of a URI, and without what is assigned to a secret's name."""
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _IN_SENTENCE.sub(f"://{HIDDEN}@", text))


def first_line(error: BaseException) -> str:
    """Return an error in one line, without what is secret; one of ours explains itself, others are named."""
    told = str(in_words(error)).strip().partition("\n")[0]
    if told and isinstance(error, DjqError):
        return without_secrets(told)
    return without_secrets(f"{type(error).__name__}: {told}" if told else type(error).__name__)
