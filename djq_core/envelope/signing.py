"""Signatures: one HMAC over the whole text, salted with its purpose and the cluster's name (manual 1.14.1)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256

from django.core import signing
from django.utils.encoding import force_bytes

from djq_core.exceptions import BadPackageSignature

TASK = "task"
STAT = "stat"
HISTORY = "history"
GROUP = "group"
RESULT = "result"
FIELD = "field"

#: The signatures of texts of so few characters are remembered.
SMALL = 100


class _Kept(signing.Signer):
    """Django's signer with its signatures, but each key is derived once and not again for every text."""

    @cached_property
    def _derived(self) -> dict[str | bytes, bytes]:
        keys = (self.key, *self.fallback_keys)
        return {key: sha256(force_bytes(self.salt) + b"signer" + force_bytes(key)).digest() for key in keys}

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        """Return the signature of a text, by the first key unless another one is named."""
        code = hmac.digest(self._derived[key or self.key], force_bytes(value), "sha256")
        return urlsafe_b64encode(code).decode("ascii").rstrip("=")


@dataclass(frozen=True)
class Signer:
    """Sign and verify texts for one cluster name.

    The salt holds purpose and name, so that a task, a stat, a group and a stored field never stand in for one another,
    nor a package of one cluster for that of another. The first key signs; every key verifies.
    """

    name: str
    key: str = field(repr=False)
    fallback_keys: Sequence[str] = field(default=(), repr=False)

    @cached_property
    def _signers(self) -> dict[str, _Kept]:
        return {}

    @cached_property
    def _others(self) -> dict[str, Signer]:
        return {}

    def _for(self, purpose: str) -> _Kept:
        if purpose not in self._signers:
            self._signers[purpose] = _Kept(
                key=self.key,
                fallback_keys=list(self.fallback_keys),
                salt=f"djq:{purpose}:{self.name}",
            )
        return self._signers[purpose]

    def named(self, name: str) -> Signer:
        """Return the signer of another cluster name with the same keys."""
        if name == self.name:
            return self
        if name not in self._others:
            self._others[name] = Signer(name, self.key, self.fallback_keys)
        return self._others[name]

    def sign(self, purpose: str, text: str) -> str:
        """Return the text with its signature behind a colon."""
        return self._sign_small(purpose, text) if len(text) <= SMALL else self._for(purpose).sign(text)

    @cached_property
    def _sign_small(self) -> Callable[[str, str], str]:
        """Sign, and remember: most tasks have no keywords, many no arguments, and return None."""
        return lru_cache(maxsize=1000)(lambda purpose, text: self._for(purpose).sign(text))

    def verify(self, purpose: str, signed: str | bytes) -> str:
        """Return the text without its signature, compared in constant time; raise BadPackageSignature."""
        try:
            text = signed if isinstance(signed, str) else signed.decode("ascii")
            return self._for(purpose).unsign(text)
        except (signing.BadSignature, UnicodeError) as error:
            raise BadPackageSignature from error
