"""Fresh, migrated databases for test sites, copied from a template that is migrated once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from tests.harness import forks
from tests.services.mariadb import MariaServer
from tests.services.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
#: As the documentation recommends: writers queue up at BEGIN, readers never wait.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


class Databases(Protocol):
    """Makes databases of one vendor."""

    def create(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a new migrated database."""

    def drop(self, database: dict[str, Any]) -> None:
        """Remove it."""


class SqliteDatabases:
    """Files, copied."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.sqlite3"
        _migrate(folder, self._settings(self._template))

    def create(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a copy in this folder."""
        copy = folder / "site.sqlite3"
        shutil.copyfile(self._template, copy)
        return self._settings(copy)

    def drop(self, database: dict[str, Any]) -> None:
        """Leave it to the temporary folder."""

    @staticmethod
    def _settings(file: Path) -> dict[str, Any]:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": SQLITE_OPTIONS}


class PostgresDatabases:
    """Databases on one running server, copied by ``CREATE DATABASE … TEMPLATE``."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.server = server
        self._template = f"template_{uuid4().hex}"
        server.execute(f'CREATE DATABASE "{self._template}"')
        _migrate(folder, server.settings(self._template))

    def create(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a new database."""
        name = f"site_{uuid4().hex}"
        self.server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        return self.server.settings(name)

    def drop(self, database: dict[str, Any]) -> None:
        """Drop it, whoever is still connected."""
        self.server.drop_database(database["NAME"])

    def close(self) -> None:
        """Drop the template."""
        self.server.drop_database(self._template)


class MariaDatabases:
    """Databases on one running server, their tables copied one by one."""

    def __init__(self, folder: Path, server: MariaServer) -> None:
        self.server = server
        self._template = server.create_database()
        _migrate(folder, server.settings(self._template))
        found = server.execute(f"SHOW TABLES FROM `{self._template}`")
        self._tables = [table for (table,) in found]

    def create(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a new database."""
        name = self.server.create_database()
        for table in self._tables:
            copy, original = f"`{name}`.`{table}`", f"`{self._template}`.`{table}`"
            self.server.execute(f"CREATE TABLE {copy} LIKE {original}", f"INSERT INTO {copy} SELECT * FROM {original}")
        return self.server.settings(name)

    def drop(self, database: dict[str, Any]) -> None:
        """Drop it, whoever is still connected."""
        self.server.drop_database(database["NAME"])

    def close(self) -> None:
        """Drop the template."""
        self.server.drop_database(self._template)


def write_settings(folder: Path, **settings: Any) -> dict[str, str]:
    """Write the settings module of a site and return the environment that chooses it."""
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    if "django.db.backends.mysql" in repr(settings["DATABASES"]):
        lines[:0] = ["import pymysql", "pymysql.install_as_MySQLdb()"]
    (folder / "site_settings.py").write_text("\n".join(lines) + "\n")
    path = os.pathsep.join([str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    python = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"DJANGO_SETTINGS_MODULE": "site_settings", **python}


def site_settings(database: dict[str, Any], folder: Path, apps: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the settings that every test site has."""
    return {
        "SECRET_KEY": "the key of this test site",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "DATABASES": {"default": database},
        "INSTALLED_APPS": ["djq_core", "djq_orm", *apps],
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(folder / "cache"),
            }
        },
        "ORACLE": str(folder / "oracle"),
    }


def _migrate(folder: Path, database: dict[str, Any]) -> None:
    settings = site_settings(database, folder) | {"Q_CLUSTER": {"name": "template", "orm": "default"}}
    env = write_settings(folder, **settings)
    log = folder / "migrate.log"
    migrating = forks.start("django", ["migrate", "--verbosity", "0"], folder, log, {**os.environ, **env})
    assert migrating.wait(120) == 0, f"migrate failed:\n{log.read_text()}"
