"""Database servers that the contract treats badly, and the database on them that its tests share."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.services import children, mariadb, postgres, unavailable

Server = postgres.PostgresServer | mariadb.MariaServer


class Killable:
    """A server that ends as in a power failure; that of PostgreSQL by the signal that takes its children along."""

    def __init__(self, server: Server) -> None:
        self.server: Server = server
        self._how = signal.SIGQUIT if isinstance(server, postgres.PostgresServer) else signal.SIGKILL

    def kill(self) -> None:
        children.stop(self.server.process, self._how)

    def start(self) -> None:
        self.server = self.server.restart()

    def pause(self) -> None:
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)

    def new_database(self) -> dict[str, Any]:
        """Return an entry of ``DATABASES`` for a new database."""
        return self.server.settings(self.server.create_database())


@contextmanager
def killable(start: Callable[[], AbstractContextManager[Server]]) -> Iterator[Killable]:
    """Start a server that may be killed; it is stopped in the end, whichever process it is by then."""
    try:
        with start() as running:
            server = Killable(running)
            yield server
            server.server.stop()
    except (postgres.Missing, mariadb.Missing) as error:
        unavailable(str(error))
    gc.collect()  # a failed attempt of PyMySQL to connect leaves its socket to the garbage
