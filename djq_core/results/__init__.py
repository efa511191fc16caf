"""Where results are kept: the contract, and the database and cache backends."""

from __future__ import annotations

from djq_core.results.base import ResultBackend, Stored

__all__ = ["ResultBackend", "Stored"]
