"""Connection URIs: ``mongodb://`` and ``mongodb+srv://`` (manual 1.2.24), read as far as djq has to know them.

pymongo looks up the second kind in the DNS when it reads it, which must not happen before the first use of a queue.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

from djq_core.exceptions import ConfigurationError

SCHEMES: Final = ("mongodb", "mongodb+srv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """The parts of a URI; ``secrets`` are user and password, as they are and as they are written."""

    hosts: str
    database: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_looked_up: bool = False


def is_uri(text: str) -> bool:
    """Tell whether a host is a URI; a socket is one of another kind and not meant."""
    return "://" in text


def read(text: str) -> Uri:
    """Return the parts of a URI; raise ConfigurationError that does not repeat a password."""
    scheme, separator, rest = text.partition("://")
    if scheme not in SCHEMES or not separator or not rest:
        raise _wrong(f"it must begin with {' or '.join(f'{one}://' for one in SCHEMES)}.{_near(scheme)}")
    credentials, _, after = rest.rpartition("@")
    if credentials.count(":") > 1 or set("/?@") & set(credentials):
        raise _wrong("in a user or password, write ':' as %3A, '/' as %2F, '?' as %3F, '@' as %40.")
    place, _, query = after.partition("?")
    hosts, _, database = place.partition("/")
    if not hosts:
        raise _wrong("it names no host; one looks like 'mongodb://localhost:27017/'.")
    return Uri(
        hosts=unquote(hosts),
        database=unquote(database) or None,
        options=dict(parse_qsl(query.replace(";", "&"), keep_blank_values=True)),
        secrets=_secrets(credentials),
        is_looked_up=scheme == "mongodb+srv",
    )


def _secrets(credentials: str) -> tuple[str, ...]:
    user, _, password = credentials.partition(":")
    return tuple({part for text in (password, user) for part in (text, unquote(text)) if part})


def _near(scheme: str) -> str:
    near = difflib.get_close_matches(scheme.partition(":")[0], SCHEMES, n=1)
    return f" Did you mean '{near[0]}://'?" if near else ""


def _wrong(reason: str) -> ConfigurationError:
    return ConfigurationError(f"Q_CLUSTER['mongo'] is a URI that cannot be read: {reason}")
