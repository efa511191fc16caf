"""Sites and clusters for every test here, and a record of each in the report of the scenarios."""

from __future__ import annotations

from tests.chaos.conftest import pytest_runtest_makereport, pytest_runtest_setup
from tests.harness.fixtures import (
    make_module_site,
    make_site,
    mariadb_databases,
    postgres_databases,
    sqlite_databases,
)

__all__ = [
    "make_module_site",
    "make_site",
    "mariadb_databases",
    "postgres_databases",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "sqlite_databases",
]
