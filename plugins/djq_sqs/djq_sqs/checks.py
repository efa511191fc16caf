"""What SQS refuses, or makes less of, in the settings of a cluster that are not the plugin's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.core import checks

from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import ConfigurationError
from djq_sqs.options import MOST, SqsOptions
from djq_sqs.receipts import LONGEST

if TYPE_CHECKING:
    from djq_core.conf import Conf

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,75}")


def check_settings(settings: BrokerSettings) -> None:
    """Raise ConfigurationError for what no queue could be used with; djq's own check shows that."""
    found = list(_problems(settings.list_key, settings.bulk, settings.lease))
    if found:
        raise ConfigurationError(" ".join(found))


def _problems(name: str, bulk: int | None, retry: float) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield (
            f"The queue is named {name!r}, and SQS takes 1 to 75 letters, digits, hyphens and underscores: change "
            "`name` in Q_CLUSTER."
        )
    if bulk is not None and bulk > MOST:
        yield f"`bulk` is {bulk}, and SQS gives 1 to {MOST} messages at once: lower `bulk`."
    if retry > LONGEST:
        yield (
            f"`retry` is {retry:g} s, and SQS holds a message for {LONGEST} s at most: lower `retry`, which limits no "
            "task, for a living cluster renews what it holds."
        )


def messages(conf: Conf) -> list[checks.CheckMessage]:
    """Return Django's warnings for a configuration that uses SQS, none for another."""
    if "sqs" not in conf.plugin_settings and conf.broker != "sqs":
        return []
    options = SqsOptions.from_keys(conf.plugin_settings)
    return [
        checks.Warning(message, hint=hint, id=code)
        for code, message, hint in (*_long_backoff(conf), *_early_redrive(conf, options))
    ]


def _long_backoff(conf: Conf) -> Iterator[tuple[str, str, str]]:
    longest = conf.backoff.longest if conf.backoff else 0.0
    if longest > LONGEST:
        yield (
            "djq_sqs.W001",
            f"`backoff` is up to {longest:g} s, and SQS lets a failed task wait for {LONGEST} s at most.",
            "Lower `backoff`: the task is tried again after that time in any case.",
        )


def _early_redrive(conf: Conf, options: SqsOptions) -> Iterator[tuple[str, str, str]]:
    name, most = options.dead_letter_queue, options.max_receive_count
    if name and conf.max_attempts > most:
        yield (
            "djq_sqs.W002",
            f"`max_attempts` is {conf.max_attempts}, and SQS moves a task to {name!r} after {most} deliveries.",
            "Raise 'max_receive_count' in Q_CLUSTER['sqs'], and maxReceiveCount of a queue that is there already.",
        )
