"""Several values as one."""

from __future__ import annotations

import pytest

from djq_core.envelope.collated import join, split


@pytest.mark.parametrize(
    "values",
    [[], [("pickle", b"")], [("pickle", b"a" * 70_000), ("json", b"[]"), ("été", bytes(range(256)))], [("", b"\x00")]],
)
def test_what_was_joined_is_split_again(values: list[tuple[str, bytes]]) -> None:
    assert list(split(join(values))) == values
