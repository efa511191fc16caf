"""The keys of ``Q_CLUSTER`` that belong to the MongoDB broker."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from djq_core.exceptions import ConfigurationError
from djq_mongo import uri

#: Seconds that a call may take where nothing is said.
TIME_OUT: Final = 5.0
#: The database of the queues where neither ``mongo_db`` nor the URI names one (manual 1.2.25).
DATABASE: Final = "django-q"
PORT: Final = 27_017
#: The parts of a call that pymongo limits one by one; where nothing is said, each may take as long as the whole.
TIMES: Final = ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS")

#: What cannot be configured, and why.
_REFUSED: Final[Mapping[str, str]] = {
    "connect": "each process connects when it first uses the queue",
    "auto_encryption_opts": "a queue is searched by fields that must be readable",
}
#: What is looked at in the names of a database; 63 bytes is the server's limit.
_NOT_IN_A_NAME: Final = frozenset('/\\. "$*<>:|?\0')
_LONGEST_NAME: Final = 63

_SECRET: Final = ("password", "username", "tlscertificatekeyfilepassword", "authmechanismproperties")


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoOptions:
    """The validated keys (manual 1.2.24, 1.2.25).

    ``keywords`` are the arguments of ``pymongo.MongoClient``, without its ``timeoutMS``: that is ``time_out``, the
    seconds that a whole call may take, and ``times`` are those of ``TIMES`` that are configured. ``database`` has the
    queues, ``where`` tells people where they are. ``words`` is all that is configured, in the URI too, by lower-case
    names. With ``is_looked_up`` the servers are found in the DNS, and pymongo has not checked the keywords yet.
    """

    keywords: Mapping[str, Any] = field(default_factory=dict, repr=False)
    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    database: str = DATABASE
    where: str = f"localhost:{PORT}/{DATABASE}"
    time_out: float = TIME_OUT
    times: tuple[str, ...] = ()
    secrets: Collection[str] = field(default=(), repr=False)
    has_tls: bool = False
    is_looked_up: bool = False

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any], known: Collection[str]) -> MongoOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError.

        ``known`` are pymongo's names, in lower case where it does not care about case.
        """
        given = _given(keys.get("mongo"))
        read = _uri_of(given.get("host"))
        words = {**(read.options if read else {}), **given}
        for name in words:
            _check_name(name, known)
        lower = {name.lower(): each for name, each in words.items()}
        _check_write_concern(lower)
        database = _database(keys.get("mongo_db"), read)
        return cls(
            words=lower,
            keywords={name: each for name, each in given.items() if name.lower() != "timeoutms"},
            database=database,
            where=f"{_hosts(given, read)}/{database}",
            time_out=_time_out(lower),
            times=tuple(name for name in TIMES if name.lower() in lower),
            secrets=(*(read.secrets if read else ()), *_secrets(lower)),
            has_tls=any(str(lower.get(name, "")).lower() == "true" for name in ("tls", "ssl")),
            is_looked_up=bool(read and read.is_looked_up),
        )

    @property
    def setting(self) -> str:
        """The key that tells where the server is, for messages."""
        return "Q_CLUSTER['mongo']"

    @property
    def write_concern(self) -> dict[str, Any]:
        """When the server is to say that it took a task, as the server has it: ``w`` and ``j``."""
        return {"w": self.words.get("w", "majority"), "j": str(self.words.get("journal", True)).lower() == "true"}

    def masked(self, text: str) -> str:
        """Return a text without what is secret."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def __str__(self) -> str:
        return self.where


def _given(value: object) -> dict[str, Any]:
    """Return pymongo's arguments; a None means the default."""
    if value is None:
        return {}
    if isinstance(value, str):
        uri.read(value)
        return {"host": value}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: each for name, each in value.items() if each is not None}
    raise ConfigurationError(
        "Q_CLUSTER['mongo'] takes a dictionary of the parameters of pymongo's MongoClient or a URI such as "
        f"'mongodb://localhost:27017/', not {type(value).__name__}."
    )


def _uri_of(host: object) -> uri.Uri | None:
    hosts = [host] if isinstance(host, str) else host if isinstance(host, list | tuple) else []
    found = [each for each in hosts if isinstance(each, str) and uri.is_uri(each)]
    if len(found) > 1:
        raise ConfigurationError("Q_CLUSTER['mongo']['host'] has several URIs; one may name several hosts.")
    return uri.read(found[0]) if found else None


def _check_name(name: str, known: Collection[str]) -> None:
    if name.lower() in _REFUSED:
        raise ConfigurationError(f"Q_CLUSTER['mongo'] cannot have {name!r}: {_REFUSED[name.lower()]}.")
    if name.lower() in known:
        return
    near = difflib.get_close_matches(name.lower(), sorted(set(known) - set(_REFUSED)), n=1)
    hint = f" Did you mean {_SPELLED.get(near[0], near[0])!r}?" if near else ""
    raise ConfigurationError(f"Q_CLUSTER['mongo'] has {name!r}, which pymongo does not know.{hint}")


def _check_write_concern(lower: Mapping[str, Any]) -> None:
    if str(lower.get("w", "")) == "0":
        raise ConfigurationError(
            "Q_CLUSTER['mongo'] has w=0, with which the server does not tell whether it took a task: leave 'w' out."
        )


def _time_out(lower: Mapping[str, Any]) -> float:
    """Return the seconds of a call: those of ``timeoutMS``, else of ``socketTimeoutMS``."""
    for name in ("timeoutms", "sockettimeoutms"):
        if name in lower:
            return _seconds(_SPELLED[name], lower[name])
    return TIME_OUT


def _seconds(name: str, value: object) -> float:
    try:
        milliseconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        milliseconds = 0.0
    if not 0 < milliseconds < float("inf"):
        raise ConfigurationError(f"Q_CLUSTER['mongo'][{name!r}] is {value!r}; it takes milliseconds above 0.")
    return milliseconds / 1000


def _database(value: object, read: uri.Uri | None) -> str:
    if value is None:
        return (read and read.database) or DATABASE
    if isinstance(value, str) and value and len(value.encode()) <= _LONGEST_NAME and not _NOT_IN_A_NAME & set(value):
        return value
    raise ConfigurationError(
        f"Q_CLUSTER['mongo_db'] is {value!r}; it takes the name of a database: "
        f'at most {_LONGEST_NAME} bytes, without blanks and any of /\\."$*<>:|?'
    )


def _hosts(given: Mapping[str, Any], read: uri.Uri | None) -> str:
    if read is not None:
        return read.hosts
    hosts = given.get("host", "localhost")
    names = hosts if isinstance(hosts, list | tuple) else str(hosts).split(",")
    return ",".join(_with_port(str(name), given.get("port", PORT)) for name in names)


def _with_port(name: str, port: object) -> str:
    has_port = name.startswith("/") or ":" in name.rpartition("]")[2] or (":" in name and not name.startswith("["))
    return name if has_port else f"{name}:{port}"


def _secrets(lower: Mapping[str, Any]) -> list[str]:
    values = [lower.get(name) for name in _SECRET]
    return [text for value in values for text in _texts(value) if text]


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    return [value] if isinstance(value, str) else []


#: How the names are written that a message may suggest; pymongo keeps them in lower case.
_SPELLED: Final[Mapping[str, str]] = {
    name.lower(): name
    for name in (
        "appName",
        "authMechanism",
        "authMechanismProperties",
        "authSource",
        "connectTimeoutMS",
        "directConnection",
        "heartbeatFrequencyMS",
        "maxIdleTimeMS",
        "maxPoolSize",
        "minPoolSize",
        "readConcernLevel",
        "readPreference",
        "replicaSet",
        "retryReads",
        "retryWrites",
        "serverSelectionTimeoutMS",
        "socketTimeoutMS",
        "timeoutMS",
        "tlsAllowInvalidCertificates",
        "tlsAllowInvalidHostnames",
        "tlsCAFile",
        "tlsCertificateKeyFile",
        "tlsCertificateKeyFilePassword",
        "tlsInsecure",
        "wTimeoutMS",
        "waitQueueTimeoutMS",
    )
}
