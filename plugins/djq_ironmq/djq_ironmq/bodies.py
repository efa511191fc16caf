"""The body of a message: a package, and how many attempts there were before this message was posted.

IronMQ counts the reservations of a message and cannot change its body. A package that is handed back is therefore
posted anew, with the attempts that it has had; the reservations of the new message are then the deliveries for which
nobody has come back.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from typing import Final

from djq_core.brokers.base import Package

#: The most bytes that stand before the package.
OVERHEAD: Final = 16

_TEXT, _BINARY = "t", "b"
_FORM: Final = re.compile(rf"(\d{{1,14}})([{_TEXT}{_BINARY}]):", re.ASCII)


@dataclass(frozen=True, slots=True)
class Body:
    """A package with the number of attempts before this message."""

    package: Package = field(repr=False)
    attempts: int = 0

    def with_attempts(self, attempts: int) -> Body:
        """Return it for a new message."""
        return replace(self, attempts=attempts)

    def __str__(self) -> str:
        package = self.package
        if isinstance(package, bytes) and not package.isascii():
            return f"{self.attempts}{_BINARY}:{b64encode(package).decode()}"
        text = package.decode("ascii") if isinstance(package, bytes) else package
        return f"{self.attempts}{_TEXT}:{text}"

    @classmethod
    def read(cls, text: str) -> Body:
        """Return what a body says; one that is not djq's is a package that nobody can read."""
        head = _FORM.match(text)
        if head is None:
            return cls(text)
        package, attempts = text[head.end() :], int(head[1])
        if head[2] == _TEXT:
            return cls(package, attempts)
        try:
            return cls(b64decode(package, validate=True), attempts)
        except binascii.Error:
            return cls(text)


def size_of(body: str) -> int:
    """Return the size of a body in bytes."""
    return len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
