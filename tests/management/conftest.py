"""A folder for tiny distributions, and sites with clusters."""

from __future__ import annotations

from tests.harness.fixtures import make_module_site, make_site, sqlite_databases
from tests.plugins.conftest import site

__all__ = ["make_module_site", "make_site", "site", "sqlite_databases"]
