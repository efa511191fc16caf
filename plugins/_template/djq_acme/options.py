"""The keys of ``Q_CLUSTER`` that belong to the Acme broker."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from djq_core.exceptions import ConfigurationError

#: Seconds that a call may wait for another one where nothing is said.
TIMEOUT: Final = 5.0
LONGEST_TIMEOUT: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeOptions:
    """The validated key ``acme``.

    ``file`` is the path of the SQLite file that holds the queues. ``timeout`` is how many seconds a call may wait while
    another process writes.
    """

    # A password is ``field(repr=False)``, and has no place in an error, a log line or ``info()``.
    file: str
    timeout: float = TIMEOUT

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> AcmeOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError."""
        # All that can be known without the server is refused here, by `manage.py check` and before a cluster starts.
        given = keys.get("acme")
        if not isinstance(given, Mapping):
            raise ConfigurationError(
                f"Q_CLUSTER['acme'] is {given!r}; it takes a dictionary: {{'file': BASE_DIR / 'queue.sqlite3'}}."
            )
        for name in given:
            _check_name(name)
        return cls(file=_file(given.get("file")), timeout=_seconds(given.get("timeout", TIMEOUT)))


def _check_name(name: object) -> None:
    known = [field.name for field in fields(AcmeOptions)]
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" It takes: {', '.join(known)}."
        raise ConfigurationError(f"Q_CLUSTER['acme'] has {name!r}, which djq-acme does not know.{hint}")


def _file(value: object) -> str:
    # A relative path would be one queue for the site and another for a cluster that is started elsewhere.
    if not isinstance(value, str | Path) or not Path(value).is_absolute():
        raise ConfigurationError(
            f"Q_CLUSTER['acme']['file'] is {value!r}; it takes an absolute path, such as BASE_DIR / 'queue.sqlite3'."
        )
    return str(value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_TIMEOUT:
        raise ConfigurationError(
            f"Q_CLUSTER['acme']['timeout'] is {value!r}; it takes a number of seconds above 0, "
            f"at most {LONGEST_TIMEOUT:g}."
        )
    return float(value)
