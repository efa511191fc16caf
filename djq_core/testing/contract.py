"""What all contracts share: tests that are dropped with a reason, and what a report says of the class under test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from djq_core.testing.dropping import drop


class Contract:
    """Base class of all contracts."""

    #: The name under which the report lists the contract; empty for a class that is none.
    contract_name: ClassVar[str] = ""
    #: The attribute that holds the class under test.
    subject_attribute: ClassVar[str] = ""
    #: Tests that do not apply, each with its reason.
    dropped: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        drop(cls)

    @classmethod
    def subject(cls) -> type[Any] | None:
        """Return the class under test, None in a contract that nobody has subclassed."""
        return getattr(cls, cls.subject_attribute, None) if cls.subject_attribute else None
