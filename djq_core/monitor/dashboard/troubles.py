"""Saying in one line why something cannot be read, without what is secret."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.db import Error, connections, transaction

from djq_core.exceptions import DjqError
from djq_core.phrases import in_words

_LONGEST = 300


def reason(error: Exception) -> str:
    """Return what went wrong: the text of our own errors and the database's, which hold no secret; else the kind."""
    if not isinstance(error, DjqError | Error):
        return type(error).__name__
    text = " ".join(str(in_words(error)).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def guarded(alias: str | None) -> AbstractContextManager[object]:
    """Keep the transaction of the caller usable, where there is one, whatever a query on this database raises."""
    if alias is None or not connections[alias].in_atomic_block:
        return nullcontext()
    return transaction.atomic(using=alias)
