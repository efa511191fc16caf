"""Texts that quote settings, without what is secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from django.core.cache import caches
from django.db import connections

from djq_core.exceptions import DjqError
from djq_core.phrases import in_words
from djq_core.plugins.masking import ASSIGNED, HIDDEN, IN_SETTING, is_secret, masked, plain, shown

__all__ = ["error_text", "first_line", "is_secret", "plain", "shown", "without_secrets"]

#: Who logs in, and with what, in a sentence, which goes on after a URI.
_IN_SENTENCE: Final = re.compile(r"://\S*@")
#: Whose text is a password in CACHES and DATABASES, and what parts the pieces in which a client may quote one.
_PASSWORD_NAME: Final = re.compile("pass|pwd|secret|token", re.IGNORECASE)
_NEXT_URI: Final = re.compile(r"[;,](?=[\w+]+://)")
_PIECES: Final = re.compile(r"[:/?#@\s]")


def without_secrets(text: str) -> str:
    """Return a sentence without user and password of a URI, and without what is assigned to a secret's name.

    The passwords in ``CACHES`` and ``DATABASES`` are not in it either, nor the pieces of one that no client could read.
    """
    text = masked(text, {"passwords": [*_passwords(caches.settings), *_passwords(connections.settings)]})
    return ASSIGNED.sub(rf"\1{HIDDEN}", _IN_SENTENCE.sub(f"://{HIDDEN}@", text))


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
        if found := IN_SETTING.search(uri):
            _user, _colon, password = found[0][3:-1].partition(":")
            yield from (password, unquote(password), *_PIECES.split(password))
