"""Sites on servers that their test has for itself, to kill and to freeze."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.databases import Databases, MariaDatabases, PostgresDatabases
from tests.harness.fixtures import MARIADB, POSTGRESQL
from tests.harness.sites import Site
from tests.services import mariadb, postgres
from tests.services.killable import Killable, killable

RUNNING: Mapping[str, Any] = {POSTGRESQL: postgres.running, MARIADB: mariadb.running}


def databases_on(server: Killable, folder: Path) -> Databases:
    """Return a maker of databases on a server."""
    folder.mkdir()
    if isinstance(server.server, mariadb.MariaServer):
        return MariaDatabases(folder, server.server)
    return PostgresDatabases(folder, server.server)


@contextmanager
def site_on_own_server(vendor: str, folder: Path, **options: Any) -> Iterator[tuple[Site, Killable]]:
    """Make a site whose database server nobody else uses."""
    with killable(RUNNING[vendor]) as server:
        place = folder / "site"
        place.mkdir()
        site = Site(place, databases_on(server, folder / "template"), **options)
        try:
            yield site, server
        finally:
            site.close_shell()
