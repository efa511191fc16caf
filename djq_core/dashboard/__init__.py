"""The dashboard inside Django's admin: one page that shows what the clusters do, and stays up to date."""

from __future__ import annotations

from djq_core.dashboard.pages import Dashboard, DashboardAdmin

__all__ = ["Dashboard", "DashboardAdmin"]
