"""The contract of a serializer: how arguments and results become bytes."""

from __future__ import annotations

from typing import Any, ClassVar


class Serializer:
    """Base class of all serializers; ``tag`` travels inside the signed text and names the one that can read it."""

    tag: ClassVar[str] = ""

    #: How many lists and dictionaries may lie inside each other: djq sets the site's ``max_nesting_depth`` here. For
    #: serializers that walk through a value; one that does not leaves it alone.
    max_nesting_depth: int = 100

    def dumps(self, value: Any) -> bytes:
        """Return the value as bytes; raise SerializationError naming what cannot be serialized and why."""
        raise NotImplementedError

    def loads(self, data: bytes) -> Any:
        """Return the value of verified bytes; whatever it raises becomes the task's failure."""
        raise NotImplementedError
