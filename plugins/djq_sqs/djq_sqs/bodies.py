"""From packages to the texts that SQS takes, and back.

SQS takes the characters of XML 1.0. A package of these, which every package of djq is, is sent as it is; any other as
base64 under a mark. Another mark stands for a package that lies in a storage. A text that begins like a mark is sent
as base64.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Final

from djq_core.brokers.base import Package

_BASE64: Final = "djq:base64:"
_CLAIM: Final = "djq:claim:"
_MARK: Final = "djq:"
#: Without the carriage return, which XML does not keep.
_TEXT: Final = re.compile("[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_CLAIMED: Final = re.compile(f"{_CLAIM}([0-9a-f]{{32}})")


def encode(package: Package) -> str:
    """Return the body of the message that carries a package."""
    text = package if isinstance(package, str) else package.decode("ascii") if package.isascii() else ""
    if _TEXT.fullmatch(text) and not text.startswith(_MARK):
        return text
    return _BASE64 + b64encode(as_bytes(package)).decode()


def decode(body: str) -> Package:
    """Return the package in a body; one that is damaged is returned as it is, and its signature will tell."""
    if not body.startswith(_BASE64):
        return body
    try:
        return b64decode(body.removeprefix(_BASE64), validate=True)
    except (binascii.Error, ValueError):
        return body


def claim(token: str) -> str:
    """Return the body that stands for a package in a storage."""
    return _CLAIM + token


def claimed(body: str) -> str | None:
    """Return the token of the package that a body stands for, None where it carries its own."""
    found = _CLAIMED.fullmatch(body)
    return found[1] if found else None


def as_package(raw: bytes) -> Package:
    """Return a package as it was sent: djq's own are ASCII texts, what is not stays bytes."""
    return raw.decode("ascii") if raw.isascii() else raw


def as_bytes(package: Package) -> bytes:
    """Return a package as bytes."""
    return package.encode() if isinstance(package, str) else package


def size(body: str) -> int:
    """Return the bytes that SQS counts of a body."""
    return len(body) if body.isascii() else len(body.encode())
