"""What SQS would refuse of the settings of a cluster, and what holds for a broker that is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_sqs.options import MOST
from djq_sqs.receipts import LONGEST

if TYPE_CHECKING:
    from djq_core.conf import Conf

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,75}")


def problems(name: str, bulk: int | None, retry: float) -> Iterator[tuple[str, str, str]]:
    """Yield the code, the message and the remedy of what SQS would refuse."""
    if not _NAME.fullmatch(name):
        yield (
            "djq_sqs.E001",
            f"The queue is named {name!r}, and SQS takes at most 75 letters, digits, hyphens and underscores.",
            "Change `name` in Q_CLUSTER.",
        )
    if bulk is not None and bulk > MOST:
        yield "djq_sqs.E002", f"`bulk` is {bulk}, and SQS gives 1 to {MOST} messages at once.", "Lower `bulk`."
    if retry > LONGEST:
        yield (
            "djq_sqs.E003",
            f"`retry` is {retry:g} s, and SQS holds a message for {LONGEST} s at most.",
            "Lower `retry`: a living cluster renews what it holds, so that it is no limit for a task.",
        )


def check_settings(settings: BrokerSettings) -> None:
    """Raise ConfigurationError for what a queue could not be used with."""
    for _, message, remedy in problems(settings.list_key, settings.bulk, settings.lease):
        raise ConfigurationError(f"{message} {remedy}")


def messages(conf: Conf) -> list[CheckMessage]:
    """Return Django's messages for a configuration that uses SQS, none for another."""
    if "sqs" not in conf.plugin_settings and conf.broker != "sqs":
        return []
    found: list[CheckMessage] = [
        Error(message, hint=remedy, id=code) for code, message, remedy in problems(conf.name, conf.bulk, conf.retry)
    ]
    longest = conf.backoff.longest if conf.backoff else 0.0
    if longest > LONGEST:
        text = f"`backoff` is up to {longest:g} s, and SQS lets a failed task wait for {LONGEST} s at most."
        found.append(Warning(text, hint="It is tried again after that time, or lower `backoff`.", id="djq_sqs.W001"))
    return found
