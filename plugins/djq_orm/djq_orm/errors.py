"""What the database says, as the broker's errors."""

from __future__ import annotations

import re
from types import TracebackType

from django.db import Error, ProgrammingError, connections

from djq_core.exceptions import BrokerError
from djq_core.phrases import Phrase
from djq_orm.stores import Store, store_for


class Asking:
    """A context with a store: whatever its database raises becomes BrokerError, and closes an unusable connection."""

    __slots__ = ("_alias",)

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def __enter__(self) -> Store:
        return store_for(self._alias)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, Error):
            alias = self._alias
            connections[alias].close_if_unusable_or_obsolete()
            raise BrokerError(
                Phrase(
                    "The database {alias!r} did not do what the ORM broker asked: {error}{remedy}",
                    alias=alias,
                    error=error,
                    remedy=_remedy(alias, error),
                )
            ) from error


def _remedy(alias: str, error: Error) -> str:
    text = str(error)
    if "database is locked" in text or "database table is locked" in text:
        return Phrase(
            ". Another connection wrote for too long: give DATABASES[{alias!r}] the OPTIONS {options}.",
            alias=alias,
            options='{"timeout": 20, "transaction_mode": "IMMEDIATE"}',
        )
    if "max_allowed_packet" in text:
        return Phrase(". Give the server a larger max_allowed_packet, in bytes; packages come as one statement.")
    if "no such table" in text or (isinstance(error, ProgrammingError) and re.search("does(n't| not) exist", text)):
        return Phrase(". Is the table there? Run: manage.py migrate --database={alias}", alias=alias)
    return ""
