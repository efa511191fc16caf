"""Packages as text."""

from __future__ import annotations

import pytest

from djq_core.exceptions import BrokerError
from djq_orm.packing import from_text, to_text


@pytest.mark.parametrize("package", ["", "eyJ.abc:def", "ü", b"\xff\x00", b"base64:eA=="])
def test_packages_come_back_as_they_were(package: str | bytes) -> None:
    assert from_text(to_text(package)) == package


def test_ascii_bytes_come_back_as_text() -> None:
    assert from_text(to_text(b"abc")) == "abc"


def test_the_prefix_of_binary_packages_is_reserved() -> None:
    with pytest.raises(BrokerError, match="base64:"):
        to_text("base64:abc")


@pytest.mark.parametrize("text", ["base64:a", "base64:é", "base64:eA="])
def test_what_cannot_be_decoded_is_handed_on_as_it_is(text: str) -> None:
    assert from_text(text) == text
