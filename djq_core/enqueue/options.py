"""The options of a task, of whoever sends it: checked, and turned into fields of a package (manual 1.4.1)."""

from __future__ import annotations

import difflib
import keyword
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from djq_core.brokers import Broker
from djq_core.conf import PAUSE, WRONG_TYPE, Backoff, Refused
from djq_core.models import FUNC_LENGTH, GROUP_LENGTH, NAME_LENGTH
from djq_core.phrases import Phrase

Function = str | Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller asked for; None leaves an option to the configuration.

    Raises TypeError or ValueError that names the option.
    """

    hook: Function | None = None
    group: str | None = None
    save: bool | None = None
    timeout: float | None = None
    ack_failure: bool | None = None
    max_attempts: int | None = None
    backoff: float | Sequence[float] | Mapping[str, float] | None = None
    sync: bool | None = None
    cached: bool | int | None = None
    broker: Broker | None = None
    task_name: str | None = None
    cluster: str | None = None
    enqueue_on_commit: bool | str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_function(self.hook, "hook")
        _check_text("group", self.group, GROUP_LENGTH)
        _check_text("task_name", self.task_name, NAME_LENGTH)
        _check_text("cluster", self.cluster, NAME_LENGTH)
        for name in ("save", "ack_failure", "sync"):
            _check_flag(name, getattr(self, name))
        _check_timeout(self.timeout)
        _check_attempts(self.max_attempts)
        _read_backoff(self.backoff)
        _check_cached(self.cached)
        if not isinstance(self.enqueue_on_commit, bool | str | None) or self.enqueue_on_commit == "":
            raise TypeError(
                Phrase(
                    "The option enqueue_on_commit takes True, False or the alias of a database, not {value!r}.",
                    value=self.enqueue_on_commit,
                )
            )
        if not isinstance(self.broker, Broker | None):
            raise TypeError(
                Phrase(
                    "The option broker takes a broker instance, as get_broker() returns, not {value!r}.",
                    value=self.broker,
                )
            )

    def for_package(self, *, cached: bool | int, own_cluster: str) -> dict[str, Any]:
        """Return the fields of a TaskPackage; ``cached`` is the configuration's and ``own_cluster`` its name."""
        return {
            "name": self.task_name or None,
            "hook": self.hook or None,
            "group": self.group or None,
            "save": self.save,
            "timeout": self.timeout,
            "ack_failure": self.ack_failure,
            "max_attempts": self.max_attempts,
            "backoff": _read_backoff(self.backoff),
            "cached": cached if self.cached is None else self.cached,
            "cluster": self.cluster or self._cluster_of_broker(own_cluster),
        }

    def _cluster_of_broker(self, own_cluster: str) -> str | None:
        """Return the cluster that reads the broker's queue, where it is another one: the package is signed for it."""
        if self.broker is None or self.broker.list_key == own_cluster:
            return None
        return self.broker.list_key


NAMES = tuple(field.name for field in fields(Options))


def read_options(given: Mapping[str, Any]) -> Options:
    """Return the options of a dictionary; a number or UUID as a group's label is taken too, as a text column does.

    Raises TypeError or ValueError that names the option.
    """
    if not given:
        return _NONE
    group = given.get("group")
    return Options(**(given if group is None else {**given, "group": str(group)}))


def read_q_options(q_options: Any) -> dict[str, Any]:
    """Return what stands in ``q_options``, empty for None; raise TypeError for anything but a dictionary of options."""
    if q_options is None:
        return {}
    if not isinstance(q_options, Mapping):
        raise TypeError(Phrase("q_options takes a dictionary of options, not {value!r}.", value=q_options))
    for name in q_options:
        if name not in NAMES:
            raise TypeError(_unknown(name))
    return dict(q_options)


def check_function(function: object, what: str) -> None:
    """Refuse what is neither a callable nor a dotted path; None passes."""
    if function is None or callable(function):
        return
    if not isinstance(function, str):
        raise TypeError(
            Phrase(
                "The {what} must be a callable or its dotted path, not {value!r}.", what=Phrase(what), value=function
            )
        )
    if not _is_path(function):
        raise ValueError(
            Phrase(
                "The {what} {value!r} is no dotted path: give 'package.module.function' or the callable.",
                what=Phrase(what),
                value=function,
            )
        )
    if len(function) > FUNC_LENGTH:
        raise ValueError(
            Phrase(
                "The {what} is {count} characters long; {most} are allowed.",
                what=Phrase(what),
                count=len(function),
                most=FUNC_LENGTH,
            )
        )


@lru_cache(maxsize=1000)
def _is_path(text: str) -> bool:
    """Return whether a text looks like a dotted path; remembered, for a site sends the same few again and again."""
    return "." in text and all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _unknown(name: object) -> Phrase:
    near, names = difflib.get_close_matches(str(name), NAMES, n=1), ", ".join(NAMES)
    if not near:
        return Phrase("q_options has no option {name!r}. Options: {names}.", name=name, names=names)
    return Phrase(
        "q_options has no option {name!r}. Did you mean {near!r}? Options: {names}.",
        name=name,
        near=near[0],
        names=names,
    )


def _check_text(name: str, value: object, length: int) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(Phrase("The option {name} takes a text, not {value!r}.", name=name, value=value))
    if len(value) > length:
        raise ValueError(
            Phrase(
                "The option {name} is {count} characters long; {most} are allowed: {value!r}.",
                name=name,
                count=len(value),
                most=length,
                value=value,
            )
        )
    if "\x00" in value:
        raise ValueError(
            Phrase(
                "The option {name} holds a NUL character, which no database keeps: {value!r}.", name=name, value=value
            )
        )


def _check_flag(name: str, value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(Phrase("The option {name} takes True or False, not {value!r}.", name=name, value=value))


def _check_timeout(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(Phrase("The option timeout takes seconds, not {value!r}.", value=value))
    if not 0 < value <= sys.float_info.max:
        raise ValueError(
            Phrase(
                "The option timeout takes seconds above 0, not {value!r}; leave it out for no limit of its own.",
                value=value,
            )
        )


def _check_attempts(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(Phrase("The option max_attempts takes a whole number, not {value!r}.", value=value))
    if value < 0:
        raise ValueError(
            Phrase(
                "The option max_attempts takes numbers from 0 on, not {value!r}; 0 is until it succeeds.", value=value
            )
        )


def _read_backoff(value: object) -> Backoff | None:
    if value is None:
        return None
    try:
        return PAUSE.read(value)  # type: ignore[no-any-return]
    except Refused as refused:
        told = {"kind": PAUSE.text, "found": refused.found}
        phrase = Phrase("The option backoff takes {kind}, not {found}.", **told)
        if refused.hint:
            phrase = Phrase("The option backoff takes {kind}, not {found}. {hint}", **told, hint=refused.hint)
        raise (TypeError if refused.code == WRONG_TYPE else ValueError)(phrase) from refused


def _check_cached(value: object) -> None:
    if value is not None and not isinstance(value, int):
        raise TypeError(Phrase("The option cached takes True, False or seconds, not {value!r}.", value=value))
    if isinstance(value, int) and value < 0:
        raise ValueError(Phrase("The option cached takes seconds from 0 on, not {value!r}.", value=value))


#: The options of a call that has none.
_NONE = Options()
