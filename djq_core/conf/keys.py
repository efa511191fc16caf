"""What a key of ``Q_CLUSTER`` is, and how a field of Conf is declared to be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from djq_core.conf.kinds import Kind, Number, Refused
from djq_core.conf.problem import Problem


@dataclass(frozen=True, slots=True)
class Key:
    """A key of ``Q_CLUSTER``: the attribute that it fills, what it accepts, and its default as it would be written."""

    name: str
    attribute: str
    kind: Kind
    default: Any

    def read(self, given: Mapping[str, Any]) -> Any:
        """Return the value for Conf; raise Refused."""
        return self.kind.read(given.get(self.name, self.default))

    def problem(self, refused: Refused) -> Problem:
        """Return the problem of a refused value."""
        message = f"`{self.name}` must be {self.kind.text}, not {refused.found}."
        return Problem(refused.code, self.name, message, refused.hint or self._default_hint)

    @property
    def _default_hint(self) -> str:
        told = "" if self.default is None else f", {self.default!r}"
        return f"Leave it out for the default{told}."


def read_as(kind: Kind, default: Any = None, *, name: str = "", is_shown: bool = True) -> Any:
    """Declare the field of a key, of the field's own name unless ``name``; its value is in the repr if ``is_shown``."""
    metadata = {"kind": kind, "name": name, "default": default}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata, repr=is_shown, hash=False)
    return field(default=default, metadata=metadata, repr=is_shown)


def seconds(*, at_least: float | None = None, above: float | None = None, or_none: bool = False) -> Number:
    """Return the kind of a time."""
    return Number(at_least=at_least, above=above, unit="seconds", or_none=or_none)


def count(at_least: int, *, unit: str = "", or_none: bool = False) -> Number:
    """Return the kind of a whole number."""
    return Number(is_whole=True, at_least=at_least, unit=unit, or_none=or_none)
