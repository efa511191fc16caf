"""The contract of a serializer and the two that core offers."""

from __future__ import annotations

from djq_core.serializers.base import Serializer
from djq_core.serializers.json_ import JsonSerializer
from djq_core.serializers.pickle_ import PickleSerializer

__all__ = ["JsonSerializer", "PickleSerializer", "Serializer"]
