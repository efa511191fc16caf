"""The contract of a result backend, on what core offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.core.cache import caches
from django.db import connections
from django.test import override_settings

from djq_core import current
from djq_core.results import ResultBackend
from djq_core.results.cache import CacheResults
from djq_core.results.database import DatabaseResults
from djq_core.testing import ResultBackendContract

MANY = {"MAX_ENTRIES": 100_000}


class TestDatabaseResults(ResultBackendContract):
    backend_class = DatabaseResults

    @pytest.fixture
    def backend(self, alias: str) -> ResultBackend:
        return DatabaseResults()

    @pytest.fixture
    def outage(self, alias: str) -> Callable[[], AbstractContextManager[None]]:
        return lambda: away(alias)


@contextmanager
def away(alias: str) -> Iterator[None]:
    """Point a connection to where no database is."""
    connection = connections[alias]
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/no/such/folder/db" if connection.vendor == "sqlite" else "nowhere"
    try:
        yield
    finally:
        connection.settings_dict["NAME"] = name


@contextmanager
def results_in(cache: str, location: Path) -> Iterator[ResultBackend]:
    """Give a backend on a cache of its own."""
    with override_settings(CACHES={"default": {"BACKEND": cache, "LOCATION": str(location), "OPTIONS": MANY}}):
        yield CacheResults(current.runtime().conf)
        caches["default"].clear()


class TestCacheResults(ResultBackendContract):
    backend_class = CacheResults
    package_fields = {"cached": True}

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[ResultBackend]:
        with results_in("django.core.cache.backends.locmem.LocMemCache", tmp_path) as backend:
            yield backend


class TestCacheResultsInFiles(ResultBackendContract):
    backend_class = CacheResults
    package_fields = {"cached": True}
    dropped = {
        "test_no_member_is_lost_between_writers": "the add of Django's file cache looks first and writes then, so two "
        "writers may both believe that a slot is theirs"
    }

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[ResultBackend]:
        with results_in("django.core.cache.backends.filebased.FileBasedCache", tmp_path / "cache") as backend:
            yield backend
