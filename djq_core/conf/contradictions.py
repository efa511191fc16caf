"""Values that are right one by one and do not go together, or not with this machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from djq_core import optional
from djq_core.conf.problem import Problem

if TYPE_CHECKING:
    from djq_core.conf.model import Conf


@dataclass(frozen=True, slots=True)
class Rule:
    """When ``is_broken``, a problem of the first of ``keys``; message and hint are filled from the Conf."""

    code: str
    keys: tuple[str, ...]
    is_broken: Callable[[Conf], bool]
    message: str
    hint: str

    def problem(self, conf: Conf) -> Problem:
        """Return the problem as data."""
        return Problem(self.code, self.keys[0], self.message.format(conf=conf), self.hint.format(conf=conf))


RULES: Final = (
    Rule(
        "djq.E005",
        ("broker", "broker_class"),
        lambda conf: conf.broker is not None and conf.broker_class is not None,
        "`broker` and `broker_class` both choose the broker.",
        "Keep `broker` for the broker of a plugin, or `broker_class` for a class of your own.",
    ),
    Rule(
        "djq.E006",
        ("retry", "timeout", "renew_leases"),
        lambda conf: not conf.renew_leases and conf.timeout is not None and conf.retry <= conf.timeout,
        "`retry` ({conf.retry} s) must be larger than `timeout` ({conf.timeout} s) while `renew_leases` is False:"
        " a task that runs that long would be started again beside itself.",
        "Raise `retry`, lower `timeout`, or leave `renew_leases` on.",
    ),
    Rule(
        "djq.E009",
        ("accept_serializers", "serializer"),
        lambda conf: conf.serializer not in conf.accept_serializers,
        "`accept_serializers` does not hold {conf.serializer!r}, which is the `serializer`:"
        " the cluster would refuse its own tasks.",
        "Add {conf.serializer!r} to `accept_serializers`, or leave that key out.",
    ),
    Rule(
        "djq.E010",
        ("SECRET_KEY",),
        lambda conf: not conf.secret_key,
        "SECRET_KEY is empty, and every task package is signed with it.",
        "Set SECRET_KEY in the settings of the site, the same for all its clusters.",
    ),
    Rule(
        "djq.W001",
        ("renew_leases", "timeout", "retry"),
        lambda conf: not conf.renew_leases and conf.timeout is None,
        "`renew_leases` is False and there is no `timeout`:"
        " a task that runs longer than `retry` ({conf.retry} s) is started again beside itself.",
        "Set a `timeout` below `retry`, or leave `renew_leases` on.",
    ),
    Rule(
        "djq.W002",
        ("queue_limit", "workers"),
        lambda conf: conf.queue_limit < conf.workers,
        "`queue_limit` ({conf.queue_limit}) is smaller than `workers` ({conf.workers}): some workers never get a task.",
        "Raise `queue_limit` to the number of workers or more, or leave it out.",
    ),
    Rule(
        "djq.W003",
        ("cpu_affinity",),
        lambda conf: bool(conf.cpu_affinity) and not optional.can_set_cpu_affinity(),
        "`cpu_affinity` has no effect here: psutil is not installed, or this platform binds no process to processors.",
        "pip install 'djq-core[psutil]' where the platform allows it; else leave the key out.",
    ),
    Rule(
        "djq.W004",
        ("max_rss",),
        lambda conf: conf.max_rss is not None and not optional.can_measure_memory(),
        "`max_rss` has no effect here: this Python has no module resource, and psutil is not installed.",
        "pip install 'djq-core[psutil]', or leave the key out.",
    ),
    Rule(
        "djq.W005",
        ("bulk", "queue_limit"),
        lambda conf: conf.bulk is not None and conf.bulk > conf.queue_limit,
        "`bulk` ({conf.bulk}) is larger than `queue_limit` ({conf.queue_limit}): a fetch never gets that many.",
        "Lower `bulk` or raise `queue_limit`.",
    ),
)


def contradictions(conf: Conf, *, besides: Collection[str] = ()) -> Iterator[Problem]:
    """Return the problem of each broken rule, but of those that look at a key in ``besides``."""
    for rule in RULES:
        if not set(rule.keys) & set(besides) and rule.is_broken(conf):
            yield rule.problem(conf)
