"""A task queue for Django: a small core, and plugins for brokers, results, serializers and error reporters."""

from __future__ import annotations

from djq_core.markers import hookimpl

__version__ = "0.1.0"

__all__ = ["__version__", "hookimpl"]
