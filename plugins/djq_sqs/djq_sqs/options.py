"""The key of ``Q_CLUSTER`` that belongs to the SQS brokers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from djq_core.exceptions import ConfigurationError

#: Seconds that connecting, or an answer, may take where nothing is said.
TIME_OUT: Final = 5
#: The most messages of one request.
MOST: Final = 10
#: The largest message, in bytes.
LARGEST: Final = 1_048_576
#: The manual's name (1.2.22), and one like it, for what boto3 calls otherwise.
RENAMED: Final[Mapping[str, str]] = {"aws_region": "region_name", "aws_profile": "profile_name"}

_SESSION: Final = (
    "region_name",
    "profile_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_account_id",
)
_CLIENT: Final = ("endpoint_url", "api_version", "use_ssl", "verify")
_SECRET: Final = ("aws_secret_access_key", "aws_session_token", "aws_access_key_id")
#: What a message does not quote: a URL may have a password.
_NOT_SHOWN: Final = (*_SECRET, "endpoint_url")

#: What is asked of botocore where ``config`` says nothing: each call ends in time, and nothing is sent twice unasked.
CONFIG: Final[Mapping[str, Any]] = {
    "connect_timeout": TIME_OUT,
    "read_timeout": TIME_OUT,
    "retries": {"total_max_attempts": 1, "mode": "standard"},
}
_RETENTION: Final = {"MessageRetentionPeriod": "1209600"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsOptions:
    """The validated key ``sqs`` (manual 1.2.22).

    ``session`` are arguments of ``boto3.Session``, ``client`` of its ``client()``, ``config`` of botocore's ``Config``.
    ``fifo`` makes it a FIFO queue, ``message_group_id`` puts all its messages into one group (None: each into one of
    its own). ``create_queue`` allows to make a missing queue, with ``queue_attributes`` as the SQS API has them and,
    where ``dead_letter_queue`` names one, a RedrivePolicy of ``max_receive_count`` deliveries. ``claim_check`` is the
    entry of ``STORAGES`` for packages of more than ``claim_check_over`` bytes.
    """

    session: Mapping[str, Any] = field(default_factory=dict, repr=False)
    client: Mapping[str, Any] = field(default_factory=dict, repr=False)
    config: Mapping[str, Any] = field(default_factory=lambda: dict(CONFIG), repr=False)
    fifo: bool = False
    message_group_id: str | None = None
    create_queue: bool = True
    queue_attributes: Mapping[str, str] = field(default_factory=lambda: dict(_RETENTION))
    dead_letter_queue: str | None = None
    max_receive_count: int = 20
    claim_check: str | None = None
    claim_check_over: int = LARGEST

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> SqsOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError."""
        given = {RENAMED.get(name, name): each for name, each in _given(keys.get("sqs")).items() if each is not None}
        for name, value in given.items():
            _check(name, value)
        _check_together(given)
        own = {name: given[name] for name in _OWN if name in given}
        attributes = {name: str(value) for name, value in given.get("queue_attributes", {}).items()}
        return cls(
            session={name: given[name] for name in _SESSION if name in given},
            client={name: given[name] for name in _CLIENT if name in given},
            config={**CONFIG, **given.get("config", {})},
            **{**own, "queue_attributes": {**_RETENTION, **attributes}},
        )

    @property
    def where(self) -> str:
        """Where the queue is, for people; never with a secret."""
        if url := self.client.get("endpoint_url"):
            parts = urlsplit(url)
            return f"SQS at {parts._replace(netloc=parts.netloc.rpartition('@')[2], query='').geturl()}"
        region = self.session.get("region_name")
        return f"Amazon SQS in {region}" if region else "Amazon SQS"

    @property
    def credentials(self) -> str:
        """Where the credentials come from, for messages."""
        if "aws_access_key_id" in self.session:
            names = [name for name in _SECRET[::-1] if name in self.session]
            return f"{' and '.join(map(repr, names))} in Q_CLUSTER['sqs']"
        if "profile_name" in self.session:
            return f"the profile {self.session['profile_name']!r}, which Q_CLUSTER['sqs']['aws_profile'] names"
        return "the credentials that boto3 has found (Q_CLUSTER['sqs'] has none)"

    @property
    def secrets(self) -> Collection[str]:
        """What must not be shown."""
        url = urlsplit(self.client.get("endpoint_url", ""))
        return [each for each in (*(self.session.get(name) for name in _SECRET), url.password) if each]

    @property
    def longest_wait(self) -> int:
        """Whole seconds that a call may wait in the server without looking like one that hangs."""
        return max(0, min(20, int(self.config["read_timeout"]) - 1))

    def __str__(self) -> str:
        return self.where


def _given(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return value
    raise ConfigurationError(
        f"Q_CLUSTER['sqs'] takes a dictionary such as {{'aws_region': 'eu-central-1'}}, not {type(value).__name__}."
    )


def _check(name: str, value: object) -> None:
    if name not in _KNOWN:
        raise ConfigurationError(
            f"Q_CLUSTER['sqs'] has {name!r}, which is not known.{_hint(name, [*_KNOWN, *RENAMED])}"
        )
    is_right, told = _KNOWN[name]
    if not is_right(value):
        shown = f"a {type(value).__name__}" if name in _NOT_SHOWN else repr(value)
        raise ConfigurationError(f"Q_CLUSTER['sqs'][{name!r}] is {shown}; it takes {told}.")
    if name == "config":
        _check_config(value)
    if name == "claim_check" and value not in settings.STORAGES:
        known = ", ".join(settings.STORAGES)
        raise ConfigurationError(
            f"Q_CLUSTER['sqs']['claim_check'] is {value!r}, which STORAGES does not have; it has: {known}."
            f"{_hint(str(value), settings.STORAGES)}"
        )


def _check_config(value: Any) -> None:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    for name in value:
        if name not in Config.OPTION_DEFAULTS:
            hint = _hint(str(name), Config.OPTION_DEFAULTS)
            raise ConfigurationError(f"Q_CLUSTER['sqs']['config'] has {name!r}, which botocore does not know.{hint}")
    for name in ("connect_timeout", "read_timeout"):
        if name in value and not _is_above_zero(value[name]):
            raise ConfigurationError(
                f"Q_CLUSTER['sqs']['config'][{name!r}] is {value[name]!r}; it takes a number of seconds above 0."
            )
    try:
        Config(**value)
    except (BotoCoreError, TypeError, ValueError) as error:
        raise ConfigurationError(f"Q_CLUSTER['sqs']['config'] cannot be used: {error}") from error


def _check_together(given: Mapping[str, Any]) -> None:
    for one, other in (
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_secret_access_key", "aws_access_key_id"),
        ("aws_session_token", "aws_access_key_id"),
        ("max_receive_count", "dead_letter_queue"),
        ("claim_check_over", "claim_check"),
        ("message_group_id", "fifo"),
    ):
        if one in given and not given.get(other):
            raise ConfigurationError(f"Q_CLUSTER['sqs'] has {one!r} without {other!r}.")


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_group(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[!-~]{1,128}", value))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://")) and bool(urlsplit(value).hostname)


def _is_above_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_count(most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


_OWN: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "fifo": (_is_bool, "True or False"),
    "message_group_id": (_is_group, "a text of 1 to 128 letters, digits and punctuation marks"),
    "create_queue": (_is_bool, "True or False"),
    "queue_attributes": (_is_mapping, "a dictionary of attributes of the SQS API"),
    "dead_letter_queue": (_is_text, "the name of a queue"),
    "max_receive_count": (_is_count(1000), "a whole number from 1 to 1000"),
    "claim_check": (_is_text, "the name of an entry of STORAGES"),
    "claim_check_over": (_is_count(LARGEST), f"a number of bytes from 1 to {LARGEST}"),
}
_KNOWN: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    **_OWN,
    **dict.fromkeys((*_SESSION, "api_version"), (_is_text, "a text")),
    "endpoint_url": (_is_url, "a URL such as 'https://sqs.eu-central-1.amazonaws.com'"),
    "use_ssl": (_is_bool, "True or False"),
    "verify": (lambda value: _is_bool(value) or _is_text(value), "True, False or the path of a file of certificates"),
    "config": (_is_mapping, "a dictionary of the keywords of botocore.config.Config"),
}
