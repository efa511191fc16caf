"""An error of redis-py that quotes a password passes it on to nobody."""

from __future__ import annotations

import traceback

import pytest
from redis import exceptions

from djq_core.exceptions import BrokerError
from djq_redis.errors import reraise
from djq_redis.options import RedisOptions

PASSWORD = "s3cr3t-p4ss"
OPTIONS = RedisOptions.from_keys({"redis": {"password": PASSWORD}})


def fail(cause: Exception | None, error: Exception) -> None:
    try:
        raise error from cause
    except Exception as raised:
        reraise(OPTIONS, raised)


@pytest.mark.parametrize("quotes", ["error", "cause"])
def test_a_traceback_ends_before_what_quotes_a_secret(quotes: str) -> None:
    texts = {"error": "refused", "cause": "refused", quotes: f"AUTH {PASSWORD}"}
    with pytest.raises(BrokerError) as caught:
        fail(OSError(texts["cause"]), exceptions.ConnectionError(texts["error"]))
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_another_error_stays_in_the_traceback() -> None:
    with pytest.raises(BrokerError) as caught:
        fail(None, exceptions.ConnectionError("refused"))
    assert isinstance(caught.value.__cause__, exceptions.ConnectionError)
