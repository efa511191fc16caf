"""Each fault of a result backend, serializer or error reporter is found by the test that is meant to find it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testing import mutants_of_reporters, mutants_of_results, mutants_of_serializers
from tests.testing.test_mutants import ALONE

SERIALIZERS = """
from djq_core.testing import SerializerContract
from {module} import {name}

class TestIt(SerializerContract):
    serializer_class = {name}
"""
REPORTERS = """
import pytest
from djq_core.testing import ErrorReporterContract
from tests.reporters.test_contract import moved
from {module} import {name}

class TestIt(ErrorReporterContract):
    reporter_class = {name}
    patience = 1.0
    error_seconds = 0.5

    @pytest.fixture
    def settings(self, tmp_path):
        (tmp_path / "there").mkdir()
        return {{"path": str(tmp_path / "there" / "errors")}}

    @pytest.fixture
    def arrived(self, tmp_path):
        path = tmp_path / "there" / "errors"
        return lambda: path.read_text().splitlines() if path.exists() else []

    @pytest.fixture
    def outage(self, tmp_path):
        return lambda: moved(tmp_path / "there")
"""
RESULTS = """
from contextlib import contextmanager

import pytest
from django.core.cache import caches
from django.test import override_settings

from djq_core import current
from djq_core.testing import ResultBackendContract
from {module} import {name}

class TestIt(ResultBackendContract):
    backend_class = {name}
    package_fields = {{"cached": True}}

    @pytest.fixture
    def backend(self, tmp_path):
        own = {{
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": str(tmp_path),
            "OPTIONS": {{"MAX_ENTRIES": 100_000}},
        }}
        with override_settings(CACHES={{"default": own}}):
            yield {name}(current.runtime().conf)
            caches["default"].clear()

    @pytest.fixture
    def outage(self, backend):
        @contextmanager
        def away():
            backend.is_away = True
            try:
                yield
            finally:
                backend.is_away = False

        return away if hasattr(backend, "is_away") else None
"""
FAULTS = [
    (contract, faulty, test)
    for contract, found_by in (
        (SERIALIZERS, mutants_of_serializers.FOUND_BY),
        (REPORTERS, mutants_of_reporters.FOUND_BY),
        (RESULTS, mutants_of_results.FOUND_BY),
    )
    for faulty, test in found_by.items()
]


def failures(pytester: pytest.Pytester, contract: str, faulty: type[Any], test: str) -> set[str]:
    """Return the names of the contract's tests that fail, of this one alone, whatever its parameters."""
    pytester.makepyfile(test_it=contract.format(module=faulty.__module__, name=faulty.__name__))
    done = pytester.inline_run(*ALONE, f"test_it.py::TestIt::{test}")
    _, _, failed = done.listoutcomes()
    return {report.nodeid.rpartition("::")[2].partition("[")[0] for report in failed if report.when == "call"}


@pytest.mark.parametrize(("contract", "faulty", "test"), FAULTS, ids=[faulty.__name__ for _, faulty, _ in FAULTS])
def test_each_fault_is_found(pytester: pytest.Pytester, contract: str, faulty: type[Any], test: str) -> None:
    assert failures(pytester, contract, faulty, test) == {test}
