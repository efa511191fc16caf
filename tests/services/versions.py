"""What the servers call themselves."""

from __future__ import annotations

import functools
import re
import sqlite3
import subprocess
from pathlib import Path

from tests.services import debian, postgres, valkey


@functools.cache
def version_of(vendor: str) -> str:
    """Return name and version of the server behind a vendor of the tests, "" where there is none."""
    if vendor == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    if vendor == "postgresql":
        return f"PostgreSQL {_asked(postgres.installed() / 'postgres')}"
    if vendor == "mariadb":
        return f"MariaDB {_asked(debian.program('mariadbd', 'mariadb-server-core'))}"
    if vendor.startswith("redis"):
        return f"Valkey {_asked(valkey.binary())}"
    return ""


def _asked(program: Path | str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    match = re.search(r"(?:Ver |v=|\) )(\d+(?:\.\d+)+)", said)
    return match[1] if match else said.strip()
