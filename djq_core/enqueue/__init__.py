"""The one way in: build a package, ask the plugins, sign it, hand it to the broker."""

from __future__ import annotations

from djq_core.enqueue.build import build_package, repeating
from djq_core.enqueue.send import ask, enqueue, enqueue_many

__all__ = ["ask", "build_package", "enqueue", "enqueue_many", "repeating"]
