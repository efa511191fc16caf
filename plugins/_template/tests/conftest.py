"""Brokers on a file of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from djq_acme.broker import AcmeBroker
from djq_core.brokers import BrokerSettings

MakeBroker = Callable[..., AcmeBroker]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the path of a file that is not there yet."""
    return tmp_path / "queue.sqlite3"


@pytest.fixture
def make_broker(file: Path) -> Iterator[MakeBroker]:
    """Give a maker of brokers on one queue, with options of the test's own; they are closed at the end."""
    made: list[AcmeBroker] = []

    def make(**options: object) -> AcmeBroker:
        read = AcmeBroker.read_options({"acme": {"file": file, **options}})
        made.append(AcmeBroker(BrokerSettings(options=read)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()
