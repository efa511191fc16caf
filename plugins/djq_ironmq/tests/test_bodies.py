"""What stands in a message."""

from __future__ import annotations

import pytest

from djq_ironmq.bodies import OVERHEAD, Body, size_of


@pytest.mark.parametrize("package", ["", "signed:text", "grün · 任务", b"\x00\xff", b"plain"])
@pytest.mark.parametrize("attempts", [0, 3])
def test_a_package_comes_back_with_its_attempts(package: str | bytes, attempts: int) -> None:
    found = Body.read(str(Body(package, attempts)))
    assert found == Body("plain" if package == b"plain" else package, attempts)


@pytest.mark.parametrize("text", ["", "garbage", "x:y", "1z:a", "0b:no base64", "t:a", "0t", "٣t:a"])
def test_what_is_not_djqs_is_a_package_that_nobody_can_read(text: str) -> None:
    assert Body.read(text) == Body(text, 0)


def test_sizes_are_bytes() -> None:
    assert [size_of(text) for text in ("abc", "grün", "\U0001f680")] == [3, 5, 4]
    assert size_of(str(Body("", 10**13))) <= OVERHEAD
    assert "text" not in repr(Body("text"))
