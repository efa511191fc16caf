"""Texts of others without what is secret in them."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.plugins.masking import masked


@pytest.mark.parametrize(
    "settings",
    [
        {"token": "hunter2"},
        {"a": {"b": ["x", ("hunter2",)]}},
        {"dsn": "https://hunter2@host", "token": "hunter2"},
    ],
)
def test_every_text_of_the_settings_is_hidden(settings: dict[str, Any]) -> None:
    text = masked("Bad DSN: https://hunter2@host (hunter2)", settings)
    assert "hunter2" not in text
    assert text.startswith("Bad DSN: ")


def test_what_is_too_short_or_no_text_stays() -> None:
    assert masked("port 6379 of eu", {"port": 6379, "region": "eu", "x": None}) == "port 6379 of eu"
