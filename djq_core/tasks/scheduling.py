"""Schedules: saying when a task is to be run, and how often (manual 1.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import arrow
from django.db import IntegrityError
from django.utils import timezone

from djq_core import current
from djq_core.cluster.runs import split_broker_name
from djq_core.enqueue.options import check_function, read_options
from djq_core.envelope import check_path
from djq_core.models import FUNC_LENGTH, GROUP_LENGTH, NAME_LENGTH, Schedule
from djq_core.schedules.declared import MARK, Declaration
from djq_core.schedules.due import check_cron
from djq_core.schedules.literals import write_args, write_kwargs
from djq_core.schedules.problems import is_path

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: The keywords that are the schedule's own; all others are the function's.
KEYWORDS: Final = (
    "name", "hook", "schedule_type", "minutes", "repeats", "next_run", "cron", "cluster", "intended_date_kwarg",
    "misfire_policy", "overlap_policy", "q_options",
)  # fmt: skip
_LENGTHS: Final[Mapping[str, int]] = {"name": GROUP_LENGTH, "cluster": NAME_LENGTH, "intended_date_kwarg": 100}
_MOST_MINUTES: Final = 32_767
_MOST_REPEATS: Final = 2**31 - 1


def schedule(func: str, *args: Any, **kwargs: Any) -> Schedule:
    """Store when a task is to be run and return its row (manual 1.8.4).

    ``func`` and ``hook`` are dotted paths; ``args`` and the function's keywords are Python literals. These keywords
    are the schedule's: ``name``, ``hook``, ``schedule_type`` (one of ``Schedule.TYPE``, by default ONCE), ``minutes``
    (of the type MINUTES), ``cron`` (of the type CRON), ``repeats`` (-1: always, 0: paused), ``next_run`` (a datetime or
    an Arrow, by default now, of the type CRON its next time), ``cluster`` (the only one that runs it), ``q_options``
    (options of ``async_task``, and ``broker_name``), ``intended_date_kwarg`` (the keyword that is given the due date),
    ``misfire_policy`` (all, latest, skip; by default what ``catch_up`` says) and ``overlap_policy`` (allow, skip).

    Raises TypeError or ValueError that names what cannot be meant, a naive ``next_run`` where ``USE_TZ`` is set among
    it, ImportError for a cron expression without croniter, FunctionNotAllowed, and IntegrityError for a name that
    another schedule has.
    """
    given: dict[str, Any] = {name: kwargs.pop(name) for name in KEYWORDS if name in kwargs}
    _check_kind(given.get("schedule_type", Schedule.ONCE))
    row = Schedule(**_fields(func, args, kwargs, given))
    for what, path in (("function", row.func), ("hook", row.hook)):
        check_path(current.runtime().conf.allowed_functions, path, what)
    row.next_run = _first_run(row, given.get("next_run"))
    if row.name and Schedule.objects.filter(name=row.name).exists():
        raise IntegrityError(f"There is a schedule named {row.name!r} already: change it, or give another name.")
    row.save()
    return row


def scheduled(*args: Any, key: str | None = None, **kwargs: Any) -> Callable[[_Function], _Function]:
    """Declare a schedule of the decorated function, which stands in a module ``tasks`` of an installed app.

    Takes the arguments of :func:`schedule` but ``func`` and ``next_run``. The row is made when a cluster starts, once
    whatever number of clusters does, changed when the declaration has changed, and deleted when it is gone. ``key``
    tells several schedules of one function apart. Raises what ``schedule`` raises, but for a type that is not there: a
    cluster reports that when it starts.
    """

    def declare(function: _Function) -> _Function:
        path = f"{function.__module__}.{function.__qualname__}"
        given: dict[str, Any] = {name: kwargs[name] for name in KEYWORDS if name in kwargs}
        if "next_run" in given:
            raise TypeError("A schedule in code has no next_run: it counts from the start of the cluster.")
        own = {name: value for name, value in kwargs.items() if name not in given}
        declaration = Declaration(f"{path}:{key}" if key else path, _fields(path, args, own, given))
        _check_text("The path with the key", declaration.key, FUNC_LENGTH)
        others: tuple[Declaration, ...] = getattr(function, MARK, ())
        if any(other.key == declaration.key for other in others):
            raise ValueError(f"{path} has two schedules in code: tell them apart, as by key='second'.")
        setattr(function, MARK, (*others, declaration))
        return function

    return declare


def _fields(func: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row but ``next_run``, checked."""
    _check_path(func, "function")
    hook = given.get("hook")
    if hook is not None:
        _check_path(hook, "hook")
    for name, length in _LENGTHS.items():
        _check_text(name, given.get(name), length)
    q_options = given.get("q_options")
    if q_options is not None:
        check_q_options(q_options)
        kwargs = {**kwargs, "q_options": q_options}
    return {
        **{name: given.get(name) or None for name in (*_LENGTHS, "hook")},
        **_timing(given),
        "func": func,
        "args": write_args(args),
        "kwargs": write_kwargs(kwargs),
        "repeats": _repeats(given.get("repeats", -1)),
        "misfire_policy": _one_of("misfire_policy", given.get("misfire_policy"), Schedule.MISFIRE) or "",
        "overlap_policy": _one_of("overlap_policy", given.get("overlap_policy"), Schedule.OVERLAP) or Schedule.ALLOW,
    }


def _timing(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = given.get("schedule_type", Schedule.ONCE)
    _check_text("schedule_type", kind, 2)
    minutes, cron = given.get("minutes"), given.get("cron")
    if minutes is not None and not 1 <= _whole("minutes", minutes) <= _MOST_MINUTES:
        raise ValueError(f"minutes takes 1 to {_MOST_MINUTES:,}, not {minutes!r}.")
    if kind == Schedule.MINUTES and minutes is None:
        raise ValueError("A schedule of the type MINUTES needs minutes=…: how many pass between two runs.")
    if not isinstance(cron, str | None):
        raise TypeError(f"cron takes an expression such as '0 22 * * 1-5', not {cron!r}.")
    if kind == Schedule.CRON:
        check_cron(cron or "")
    _check_text("cron", cron, 100)
    return {"schedule_type": kind, "minutes": minutes, "cron": cron or None}


def _first_run(row: Schedule, next_run: Any) -> datetime:
    """Return the first ``next_run`` as the column holds it."""
    if next_run is None:
        return next_by_cron(row) if row.schedule_type == Schedule.CRON else timezone.now()
    moment = next_run.datetime if isinstance(next_run, arrow.Arrow) else next_run
    if not isinstance(moment, datetime):
        raise TypeError(f"next_run takes a datetime or an Arrow, not {next_run!r}.")
    use_tz = current.runtime().conf.use_tz
    if timezone.is_naive(moment) and use_tz:
        raise ValueError(
            f"next_run is naive ({moment}) while USE_TZ is True: say in which time zone it is meant, as in "
            "django.utils.timezone.make_aware(next_run)."
        )
    return moment if use_tz or timezone.is_naive(moment) else timezone.make_naive(moment)


def next_by_cron(row: Schedule) -> datetime:
    """Return when the expression of a schedule comes to a time next, as ``next_run`` holds it."""
    times = row.times()
    following = times.rule.after(times.read(timezone.now(), ""))
    assert following is not None
    return times.stored(following)


# What cannot be meant


def check_q_options(q_options: object) -> None:
    """Refuse what are no options of a schedule's tasks; raises TypeError or ValueError that names the option."""
    read_options(split_broker_name(q_options)[0])


def _check_path(value: object, what: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"The {what} of a schedule is a dotted path, such as 'shop.tasks.send', not {value!r}.")
    if not is_path(value):
        raise ValueError(f"The {what} {value!r} is no dotted path, such as 'shop.tasks.send'.")
    check_function(value, what)


def _check_text(name: str, value: object, length: int) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"{name} takes a text, not {value!r}.")
    if value and len(value) > length:
        raise ValueError(f"{name} is {len(value)} characters long; {length} are allowed: {value!r}.")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} takes a whole number, not {value!r}.")
    return value


def _repeats(value: Any) -> int:
    if not -_MOST_REPEATS <= _whole("repeats", value) <= _MOST_REPEATS:
        raise ValueError(f"repeats takes numbers up to {_MOST_REPEATS:,}, not {value!r}; -1 is for ever.")
    return int(value)


def _one_of(name: str, value: str | None, choices: Sequence[tuple[str, Any]]) -> str | None:
    values = [each for each, _ in choices]
    if value and value not in values:
        raise ValueError(f"{name} takes one of {', '.join(values)}, not {value!r}.")
    return value


def _check_kind(kind: object) -> None:
    kinds = [*(code for code, _ in Schedule.TYPE), *current.runtime().registry.schedule_types]
    if kind not in kinds:
        raise ValueError(f"schedule_type takes one of {', '.join(kinds)}, not {kind!r}.")
