"""Packages as texts that SQS takes."""

from __future__ import annotations

import pytest

from djq_sqs import bodies


@pytest.mark.parametrize("package", ["signed:text", "grün \U0001f680", " \t\n", b"ascii bytes"])
def test_what_sqs_takes_is_sent_as_it_is(package: str | bytes) -> None:
    body = bodies.encode(package)
    assert body.encode() == bodies.as_bytes(package)
    assert bodies.as_bytes(bodies.decode(body)) == bodies.as_bytes(package)


@pytest.mark.parametrize(
    "package", ["", b"", "\x00", "a\r\nb", b"\xff\xfe", "\ufffe", "djq:base64:AAAA", "djq:claim:" + 32 * "a", "djq:x"]
)
def test_what_it_does_not_take_or_what_looks_like_a_mark_is_encoded(package: str | bytes) -> None:
    body = bodies.encode(package)
    assert body.startswith("djq:base64:")
    assert bodies.claimed(body) is None
    assert bodies.as_bytes(bodies.decode(body)) == bodies.as_bytes(package)


@pytest.mark.parametrize("body", ["djq:base64:not base64", "djq:base64:AAA", "djq:base64:ü"])
def test_a_damaged_body_stays_as_it_is(body: str) -> None:
    assert bodies.decode(body) == body


@pytest.mark.parametrize("body", ["djq:claim:", "djq:claim:../../etc/passwd", "djq:claim:" + 32 * "A", "x"])
def test_only_a_token_of_ours_names_a_file(body: str) -> None:
    assert bodies.claimed(body) is None


def test_a_claim_is_found_again() -> None:
    assert bodies.claimed(bodies.claim(32 * "0a"[:1])) == 32 * "0"


def test_bytes_are_counted_as_sqs_counts_them() -> None:
    assert [bodies.size(text) for text in ("abc", "ü", "\U0001f680")] == [3, 2, 4]
