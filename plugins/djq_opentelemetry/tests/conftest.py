"""Sites with a real cluster."""

from __future__ import annotations

from tests.harness.fixtures import make_site, sqlite_databases

__all__ = ["make_site", "sqlite_databases"]
