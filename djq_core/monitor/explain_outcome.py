"""What became of a task that is neither running nor on a queue."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djq_core.monitor.causes import Cause, fine, trouble
from djq_core.monitor.facts import Facts, Outcome
from djq_core.monitor.words import duration

#: What the error of a function begins with that could not be run.
_NO_FUNCTION = ("FunctionNotFound", "FunctionNotAllowed")


def succeeded(facts: Facts) -> Iterator[Cause]:
    """Return that the task has succeeded."""
    outcome = facts.outcome
    if outcome and outcome.is_success:
        yield fine(
            "succeeded", _("It succeeded at %(when)s.") % {"when": facts.clock.when(outcome.stopped)}, *_run(outcome)
        )


def failed_before(facts: Facts) -> list[str]:
    """Return how the attempt before ended, for a task that is tried again."""
    outcome = facts.outcome
    if outcome is None or outcome.is_success:
        return []
    told = _("Attempt %(attempt)s failed at %(when)s: %(error)s")
    return [
        told
        % {
            "attempt": outcome.attempts,
            "when": facts.clock.when(outcome.stopped),
            "error": outcome.headline,
        }
    ]


def gone(facts: Facts) -> Iterator[Cause]:
    """Return what became of a task that is not on its way any more."""
    if facts.running or any(not package.flaw for _queue, package in facts.packages):
        return
    outcome = facts.outcome
    if outcome and not outcome.is_success:
        yield _failed(facts, outcome)
    elif outcome is None and facts.parts:
        yield fine(
            "parts",
            ngettext(
                "It is an iter, a chain or a part of one: %(ended)s part has ended (failed: %(failed)s).",
                "It is an iter, a chain or a part of one: %(ended)s parts have ended (failed: %(failed)s).",
                facts.parts.ended,
            )
            % {"ended": facts.parts.ended, "failed": facts.parts.failed},
            _("The whole is saved when every part has ended; an iter's parts are on the queue under ids of their own."),
        )


def _failed(facts: Facts, outcome: Outcome) -> Cause:
    at = facts.clock.when(outcome.stopped)
    if outcome.crashes >= facts.conf.max_crashes:
        return trouble(
            "crashed",
            ngettext(
                "It was given up at %(when)s: it has ended its worker %(count)s time (max_crashes %(limit)s).",
                "It was given up at %(when)s: it has ended its worker %(count)s times (max_crashes %(limit)s).",
                outcome.crashes,
            )
            % {"when": at, "count": outcome.crashes, "limit": facts.conf.max_crashes},
            outcome.headline,
            *_run(outcome),
            remedy=_("Find out what ends the process: a signal often means that memory ran out. Then resubmit it."),
        )
    if outcome.headline.startswith(_NO_FUNCTION):
        return trouble(
            "function",
            _("It failed at %(when)s: its function could not be run.") % {"when": at},
            outcome.headline,
            *_run(outcome),
            remedy=_("Install or deploy what is missing, or add the path to allowed_functions. Then resubmit it."),
        )
    return trouble(
        "failed",
        _("It failed for good at %(when)s.") % {"when": at},
        outcome.headline,
        *_run(outcome),
        *_why_no_more(facts, outcome),
        remedy=_("Mend what the error says, then resubmit it: in the admin, or with djq_core.tasks.resubmit()."),
    )


def _run(outcome: Outcome) -> Iterator[str]:
    told = {"count": outcome.attempts, "duration": duration(outcome.stopped - outcome.started)}
    yield _("Attempts: %(count)s. From its call to its end: %(duration)s.") % told
    if outcome.is_cached:
        yield _("The result is in the cache, not in the database.")


def _why_no_more(facts: Facts, outcome: Outcome) -> Iterator[str]:
    conf, own = facts.conf, facts.own
    if conf.max_attempts and outcome.attempts >= conf.max_attempts:
        yield _("No more attempts: max_attempts is %(limit)s.") % {"limit": conf.max_attempts}
    elif conf.ack_failures:
        yield _("A failure is final here: ack_failures is set.")
    elif own and not own.broker.supports_receipts:
        yield _("A failure is final here: the broker keeps nothing that it has handed out.")
    elif own and own.is_whole:
        yield _("It is on no queue any more: its own options ended it, or somebody deleted it.")
    else:
        yield _("It may be tried again: whether it is still on its queue could not be seen.")
