"""What the tests of the task API share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache

from djq_core import current
from djq_core.envelope import TASK, TaskPackage, decode_package

Queued = Callable[..., list[TaskPackage]]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Leave nothing in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def queued(db: None) -> Queued:
    """Give a reader of the packages on a queue, verified as the cluster of that name would."""

    def read(list_key: str | None = None) -> list[TaskPackage]:
        runtime = current.runtime()
        signer = runtime.signer.named(list_key or runtime.conf.name)
        deliveries = runtime.broker(list_key).receive(100, 0)
        return [decode_package(signer.verify(TASK, each.package), max_bytes=10**6) for each in deliveries]

    return read
