"""What the servers call themselves."""

from __future__ import annotations

import functools
import importlib.metadata
import re
import sqlite3
import subprocess
from pathlib import Path

from tests.services import debian, postgres, valkey
from tests.services.mongo import NX, SECANTUS

#: Name and wheel of the servers that are Python's.
_WHEELS = {
    "sqs": ("MiniStack", "ministack"),
    SECANTUS: ("SecantusDB", "secantusdb"),
    NX: ("NX-27017", "nx-27017"),
}


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
    if vendor in _WHEELS:
        name, wheel = _WHEELS[vendor]
        return f"{name} {importlib.metadata.version(wheel)}"
    return ""


def _asked(program: Path | str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    match = re.search(r"(?:Ver |v=|\) )(\d+(?:\.\d+)+)", said)
    return match[1] if match else said.strip()
