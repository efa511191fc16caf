"""What is secret in settings and in texts that quote them, and what is shown instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from django.core.cache import caches
from django.db import connections

from djq_core.exceptions import DjqError
from djq_core.phrases import in_words
from djq_core.plugins.masking import HIDDEN, masked

_WORDS: Final = "pass|pwd|secret|token|auth|cred|key|dsn|salt|sign|cert|private"
_SECRET_NAME: Final = re.compile(_WORDS, re.IGNORECASE)
#: Who logs in, and with what: all up to the last @. A setting is one URI, whose password may hold anything; a sentence
#: goes on after it.
_IN_SETTING: Final = re.compile(r"://.*@", re.DOTALL)
_IN_SENTENCE: Final = re.compile(r"://\S*@")
#: Whose text is a password in CACHES and DATABASES, and what parts the pieces in which a client may quote one.
_PASSWORD_NAME: Final = re.compile("pass|pwd|secret|token", re.IGNORECASE)
_NEXT_URI: Final = re.compile(r"[;,](?=[\w+]+://)")
_PIECES: Final = re.compile(r"[:/?#@\s]")
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
    """Return a sentence without user and password of a URI, and without what is assigned to a secret's name.

    The passwords in ``CACHES`` and ``DATABASES`` are not in it either, nor the pieces of one that no client could read.
    """
    text = masked(text, {"passwords": [*_passwords(caches.settings), *_passwords(connections.settings)]})
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _IN_SENTENCE.sub(f"://{HIDDEN}@", text))


def error_text(error: BaseException) -> str:
    """Return the kind of an error and what it says, without what is secret."""
    told = str(in_words(error)).strip()
    return without_secrets(f"{type(error).__name__}: {told}" if told else type(error).__name__)


def first_line(error: BaseException) -> str:
    """Return an error in one line, without what is secret; one of ours explains itself, others are named."""
    told = str(in_words(error)).strip().partition("\n")[0]
    return without_secrets(told) if told and isinstance(error, DjqError) else error_text(error).partition("\n")[0]


def _passwords(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _passwords(each, str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _passwords(each, name)
    elif isinstance(value, str):
        yield from [value] if _PASSWORD_NAME.search(name) else _of_uris(value)


def _of_uris(text: str) -> Iterator[str]:
    for uri in _NEXT_URI.split(text):
        if found := _IN_SETTING.search(uri):
            _user, _colon, password = found[0][3:-1].partition(":")
            yield from (password, unquote(password), *_PIECES.split(password))
