"""What is logged at DEBUG, by botocore too, has no secret in it."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import pytest

from djq_core.exceptions import BrokerError
from djq_sqs.logs import hide
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services.gateway import Gateway

KEY, SECRET, TOKEN, PASSWORD = "AKIDLOGGED", "s3cr3t-k3y", "s3ss10n-t0k3n", "pr0xy-p4ss"


def test_neither_keys_nor_a_token_nor_a_password_is_logged(
    make_broker: MakeBroker, sqs_gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = urlsplit(sqs_gateway.settings()["endpoint_url"])
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "aws_session_token": TOKEN}
    broker = make_broker(sqs={**keys, "endpoint_url": url._replace(netloc=f"me:{PASSWORD}@{url.netloc}").geturl()})
    broker.enqueue("a")
    assert len(broker.receive(1, 1)) == 1
    sqs_gateway.kill()
    with pytest.raises(BrokerError):
        broker.enqueue("b")
    assert "X-Amz-Security-Token" in caplog.text
    assert "Could not connect to the endpoint URL" in caplog.text
    assert not [secret for secret in (KEY, SECRET, TOKEN, PASSWORD) if secret in caplog.text]


def test_the_same_secrets_are_looked_for_once() -> None:
    logger = logging.getLogger("botocore.endpoint")
    before = len(logger.filters)
    for secrets in ([], ["one-s3cret"], ["one-s3cret"]):
        hide(secrets)
    assert len(logger.filters) == before + 1
    logger.filters.pop()
