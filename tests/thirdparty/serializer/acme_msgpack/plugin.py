"""What djq finds through the entry point."""

from __future__ import annotations

from djq_core import hookimpl
from djq_core.serializers import Serializer


@hookimpl
def djq_register_serializers() -> list[type[Serializer]]:
    """Offer the serializer."""
    from acme_msgpack.serializer import MsgpackSerializer

    return [MsgpackSerializer]
