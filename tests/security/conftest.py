"""Sites and clusters for every test here."""

from __future__ import annotations

from tests.harness.fixtures import (
    make_module_site,
    make_site,
    mariadb_databases,
    postgres_databases,
    sqlite_databases,
)

__all__ = ["make_module_site", "make_site", "mariadb_databases", "postgres_databases", "sqlite_databases"]
