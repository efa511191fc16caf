"""The status of the clusters (manual 1.10.3)."""

from __future__ import annotations

from djq_core.cluster.status import Stat, Status

__all__ = ["Stat", "Status"]
