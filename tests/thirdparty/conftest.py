"""The distributions of others, installed once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.fixtures import make_module_site, make_site, mariadb_databases, postgres_databases, sqlite_databases
from tests.thirdparty.installed import install

__all__ = ["make_module_site", "make_site", "mariadb_databases", "postgres_databases", "sqlite_databases"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the distributions are installed in."""
    target = tmp_path_factory.mktemp("installed")
    install(target, tmp_path_factory.mktemp("sources"))
    return target
