"""All that runs under ``qcluster`` (manual 1.9)."""

from __future__ import annotations

from djq_core.cluster.cluster import Cluster

__all__ = ["Cluster"]
