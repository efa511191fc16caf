"""Packages as the text column holds them."""

from __future__ import annotations

from base64 import b64decode, b64encode

from djq_core.brokers.base import Package
from djq_core.exceptions import BrokerError

_BINARY = "base64:"


def to_text(package: Package) -> str:
    """Return the text to store: ASCII as it is (djq's own packages are), other bytes in base64 behind a prefix."""
    if isinstance(package, bytes):
        is_text = package.isascii() and not package.startswith(_BINARY.encode("ascii"))
        return package.decode("ascii") if is_text else _BINARY + b64encode(package).decode("ascii")
    if package.startswith(_BINARY):
        raise BrokerError(f"The ORM broker keeps the prefix {_BINARY!r} for binary packages; send this one as bytes.")
    return package


def from_text(text: str) -> Package:
    """Return the package of a stored text; what cannot be decoded is handed on, for its reader to refuse."""
    if not text.startswith(_BINARY):
        return text
    try:
        return b64decode(text[len(_BINARY) :])
    except ValueError:
        return text
