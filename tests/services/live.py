"""The site under test as a browser sees it: served from a thread, with a database in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connections
from django.test import Client, override_settings
from django.test.testcases import QuietWSGIRequestHandler

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


@dataclass(frozen=True, slots=True)
class LiveSite:
    """A site that is served; ``user`` is its superuser."""

    url: str
    user: User

    def session_of(self, user: User) -> str:
        """Return the key of a new session of a user."""
        client = Client()
        client.force_login(user)
        return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def database_in_file(path: Path) -> Iterator[None]:
    """Let the database be a copy of itself in a file, which any thread may open, for as long as the context lasts."""
    kept, entry = connections["default"], connections.settings["default"]
    kept.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        kept.connection.backup(copy)
        copy.execute("PRAGMA journal_mode = WAL")
    options = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous = OFF"}
    connections.settings["default"] = {**entry, "NAME": str(path), "OPTIONS": options}
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = entry
        connections["default"] = kept


@contextmanager
def served() -> Iterator[LiveSite]:
    """Serve the site, with the files of its apps, on a port of its own for as long as the context lasts."""
    with override_settings(ALLOWED_HOSTS=["127.0.0.1", "testserver"], MIDDLEWARE=MIDDLEWARE):
        server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
        server.set_app(StaticFilesHandler(WSGIHandler()))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="live site", daemon=True)
        thread.start()
        try:
            yield LiveSite(f"http://127.0.0.1:{server.server_port}", User.objects.create_superuser("root"))
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
