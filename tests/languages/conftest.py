"""The language in brackets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.languages.pseudo import spoken, write_pseudo


@pytest.fixture(scope="session")
def pseudo_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the catalogue."""
    folder = tmp_path_factory.mktemp("pseudo")
    write_pseudo(folder)
    return folder


@pytest.fixture
def in_brackets(pseudo_catalogue: Path) -> Iterator[None]:
    """Speak the language in which every marked text stands in brackets."""
    with spoken(pseudo_catalogue):
        yield
