"""The serializer for every Python value that a worker can rebuild."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar, Final

from djq_core.exceptions import SerializationError
from djq_core.serializers.base import Serializer

#: Read by Python 3.8 and all later ones; fixed, so that processes of different Pythons share a queue.
PROTOCOL: Final = 5


class PickleSerializer(Serializer):
    """Write values with pickle; bytes are read only after their signature has been verified."""

    tag: ClassVar[str] = "pickle"

    def dumps(self, value: Any) -> bytes:
        """Return the pickled value; raise SerializationError with its type and the reason."""
        try:
            return pickle.dumps(value, protocol=PROTOCOL)
        except RecursionError as error:
            raise SerializationError(f"{_of(value)} is nested too deeply for pickle.") from error
        except MemoryError as error:
            raise SerializationError(f"{_of(value)} is too large to pickle in the memory at hand.") from error
        except Exception as error:
            raise SerializationError(f"{_of(value)} cannot be pickled: {type(error).__name__}: {error}.") from error

    def loads(self, data: bytes) -> Any:
        """Return the value of verified bytes; raise what rebuilding it raises."""
        return pickle.loads(data)


def _of(value: Any) -> str:
    return f"A value of type {type(value).__qualname__!r}"
