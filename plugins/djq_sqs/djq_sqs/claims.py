"""Claim checks: packages that are too large for a message lie in one of Django's storages, the message names them."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from djq_core.exceptions import BrokerError

logger = logging.getLogger("djq")

_FOLDER: Final = "djq-claims"


class Claims:
    """The packages in one storage, by token."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def put(self, package: bytes) -> str:
        """Store a package and return its token; raise BrokerError where it cannot be."""
        token = secrets.token_hex(16)
        try:
            name = self._storage.save(_name(token), ContentFile(package))
        except Exception as error:  # whatever a storage raises
            raise BrokerError(
                f"A package of {len(package):,} bytes cannot be written to STORAGES[{self._alias!r}], which "
                f"Q_CLUSTER['sqs']['claim_check'] names: {type(error).__name__}: {error}"
            ) from error
        if name.replace("\\", "/") != _name(token):
            raise BrokerError(
                f"STORAGES[{self._alias!r}], which Q_CLUSTER['sqs']['claim_check'] names, does not keep the names of "
                "its files: name a storage that does."
            )
        return token

    def get(self, token: str) -> bytes | None:
        """Return a package, None where it is gone for good; raise whatever the storage raises."""
        try:
            with self._storage.open(_name(token), "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def drop(self, token: str) -> None:
        """Delete a package; where that fails its file stays, which the log tells."""
        try:
            self._storage.delete(_name(token))
        except Exception as error:  # whatever a storage raises; the task is done
            logger.warning("%s stays in STORAGES[%r]: %s", _name(token), self._alias, error)

    @property
    def _storage(self) -> Storage:
        return storages[self._alias]


def _name(token: str) -> str:
    return f"{_FOLDER}/{token}"
