"""The key ``iron_mq`` of ``Q_CLUSTER``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from djq_core.exceptions import ConfigurationError

SETTING: Final = "Q_CLUSTER['iron_mq']"

#: Seconds that connecting, or an answer, may take where nothing is said.
TIME_OUT: Final = 5.0
#: The size of the largest message in bytes: the largest of all service plans.
MOST_BYTES: Final = 262_144
#: The shortest and the longest reservation that the service documents, in seconds.
LEASES: Final = (30, 86_400)

#: What the client library takes where nothing is said.
_HOST: Final = "mq-aws-us-east-1-1.iron.io"
_KEYSTONE: Final = ("server", "tenant", "username", "password")
_TEXTS: Final = ("host", "protocol", "project_id", "token", "path_prefix", "cloud", "config_file", "name")
_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_ELSEWHERE: Final = "nothing is read from the environment or from an iron.json that 'config_file' does not name"


@dataclass(frozen=True, slots=True, kw_only=True)
class IronOptions:
    """The validated value (manual 1.2.21): the keywords of iron-mq's ``IronMQ``, and two of our own.

    ``request_timeout`` is how long connecting, and an answer, may take in seconds; ``max_message_bytes`` is the size
    of the largest message that the plan of the service takes. ``name`` is taken and means nothing, as there.
    """

    host: str = _HOST
    protocol: str = "https"
    port: int = 443
    path_prefix: str = ""
    api_version: int | str = 3
    project_id: str = ""
    token: str = field(default="", repr=False)
    keystone: Mapping[str, str] | None = field(default=None, repr=False)
    name: str = ""
    request_timeout: float = TIME_OUT
    max_message_bytes: int = MOST_BYTES

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> IronOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError.

        Nothing else is read: no ``iron.json`` of the working directory or the home folder, no environment. A file is
        read where ``config_file`` names it; what the setting itself has counts more.
        """
        given = _given(keys.get("iron_mq"))
        if given.get("config_file") is not None:
            _check_types({"config_file": given["config_file"]})
            given = {**_of_file(Path(given["config_file"]).expanduser()), **given}
        _check_types(given)
        words = {name: each for name, each in given.items() if name not in ("cloud", "config_file")}
        if given.get("cloud"):
            words |= _of_cloud(given["cloud"])
        words.setdefault("port", _PORTS[words.get("protocol", "https")])
        words["path_prefix"] = f"/{prefix}" if (prefix := words.get("path_prefix", "").strip("/")) else ""
        options = cls(**words)
        options._check_access()
        return options

    @property
    def base_url(self) -> str:
        """The address of the project, without the slash that follows."""
        return f"{self.where}/{self.api_version}/projects/{self.project_id}"

    @property
    def where(self) -> str:
        """Where the service is, for people; never with a token or a project."""
        port = "" if (self.protocol, self.port) == ("https", 443) else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}{port}{self.path_prefix}"

    @property
    def secrets(self) -> Collection[str]:
        """What must not be shown."""
        keystone = self.keystone or {}
        return [each for each in (self.token, keystone.get("password")) if each]

    def __str__(self) -> str:
        return self.where

    def _check_access(self) -> None:
        if not self.project_id:
            raise ConfigurationError(f"{SETTING} has no 'project_id'; {_ELSEWHERE}.")
        if not (self.token or self.keystone):
            raise ConfigurationError(f"{SETTING} has no 'token'; {_ELSEWHERE}.")
        if not self.token.isascii() or any(not letter.isprintable() for letter in self.token):
            raise ConfigurationError(f"{SETTING}['token'] has characters that no token has.")


def _known() -> Collection[str]:
    return {*IronOptions.__dataclass_fields__, "cloud", "config_file"}


def _given(value: object) -> dict[str, Any]:
    """Return what is given; a None stands for nothing said."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        kind = "nothing" if value is None else type(value).__name__
        raise ConfigurationError(
            f"{SETTING} takes a dictionary such as {{'token': '…', 'project_id': '…'}}, not {kind}."
        )
    for name in value:
        if name not in _known():
            near = difflib.get_close_matches(name, sorted(_known()), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{SETTING} has {name!r}, which iron-mq does not know.{hint}")
    return {name: each for name, each in value.items() if each is not None}


def _of_file(path: Path) -> dict[str, Any]:
    """Return what a file in the form of ``iron.json`` says: at its top, and above that under ``iron_mq``."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigurationError(
            f"{SETTING}['config_file'] is {str(path)!r}, which cannot be read: {reason}."
        ) from None
    if not isinstance(told, dict) or not isinstance(told.get("iron_mq", {}), dict):
        raise ConfigurationError(f"{SETTING}['config_file'] is {str(path)!r}, which has no object with its values.")
    words = {**told, **told.get("iron_mq", {})}
    return {name: each for name, each in words.items() if name in _known() and each is not None}


def _of_cloud(cloud: str) -> dict[str, Any]:
    """Return the place that an address names, as the client library reads it."""
    try:
        parts: SplitResult = urlsplit(cloud)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ConfigurationError(f"{SETTING}['cloud'] takes an address such as 'https://mq.example.org/prefix'.")
    place = {"protocol": parts.scheme, "host": parts.hostname, "path_prefix": parts.path.rstrip("/")}
    return {**place, "port": port or _PORTS[parts.scheme]}


def _check_types(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if not _fits(name, value):
            shown = f"is a {type(value).__name__}" if name in ("token", "keystone", "project_id") else f"is {value!r}"
            raise ConfigurationError(f"{SETTING}[{name!r}] {shown}; it takes {_takes(name)}.")


def _fits(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str) and (name != "protocol" or value in _PORTS)
    if name == "keystone":
        return isinstance(value, Mapping) and all(isinstance(value.get(key), str) for key in _KEYSTONE)
    if name == "api_version":
        return isinstance(value, int | str) and str(value) == "3"
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return False
    return name == "request_timeout" or (isinstance(value, int) and (name != "port" or value < 65_536))


def _takes(name: str) -> str:
    if name in _TEXTS:
        return "'https' or 'http'" if name == "protocol" else "a text"
    return {
        "keystone": f"a dictionary with the texts {', '.join(_KEYSTONE)}",
        "api_version": "3, the version that djq speaks",
        "port": "a whole number from 1 to 65535",
        "max_message_bytes": "a whole number of bytes above 0",
    }.get(name, "a number of seconds above 0")
