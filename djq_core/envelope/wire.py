"""The text form of a package: a JSON header and a payload of parts, each in URL-safe base64, joined by a full stop."""

from __future__ import annotations

import binascii
import dataclasses
import json
import sys
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii as _quoted
from operator import attrgetter
from typing import Any

from djq_core.conf import PAUSE, Refused
from djq_core.envelope.package import Place, TaskPackage
from djq_core.exceptions import PackageError, PackageTooLarge
from djq_core.phrases import Phrase

VERSION = 1
_TEXTS = ("id", "name", "func")
_OPTIONS = (
    "hook", "group", "save", "timeout", "ack_failure", "max_attempts", "cached", "cluster", "chain_id", "goes_on",
)  # fmt: skip
#: One for all: making an encoder takes as long as a header does, and finding out what bytes are a third of that.
_to_json_text = json.JSONEncoder(separators=(",", ":")).encode
_from_json_text = json.JSONDecoder().decode
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(TaskPackage)}
_SELDOM = (*_OPTIONS, "place", "backoff")
_seldom_set = attrgetter(*_SELDOM)
_UNSET = tuple(_DEFAULTS[name] for name in _SELDOM)


def encode_package(package: TaskPackage, *, compress: bool = False, max_bytes: int | None = None) -> str:
    """Return the unsigned text of a package; with ``compress`` its payload is deflated where that makes it smaller.

    Raises PackageTooLarge where the payload has more than ``max_bytes``, for nobody would read it.
    """
    parts = _parts(package)
    payload = b"".join(parts.values())
    if max_bytes is not None and len(payload) > max_bytes:
        raise PackageTooLarge(
            Phrase(
                "The package of {func!r} holds {size:,} bytes; max_package_bytes allows {most:,}. Send a reference to "
                "the data instead.",
                func=package.func,
                size=len(payload),
                most=max_bytes,
            )
        )
    deflated = zlib.compress(payload) if compress else payload
    is_smaller = len(deflated) < len(payload)
    further = _further(package) | ({"z": len(payload)} if is_smaller else {})
    header = _header(package, parts, further)
    body = deflated if is_smaller else payload
    return f"{_to_text(header.encode('ascii'))}.{_to_text(body)}"


def decode_package(text: str, *, max_bytes: int) -> TaskPackage:
    """Return the package of a verified text; raise PackageError, or PackageTooLarge past ``max_bytes`` of payload."""
    header_text, _, payload_text = text.partition(".")
    try:
        header = _from_json_text(urlsafe_b64decode(header_text).decode())
        payload = urlsafe_b64decode(payload_text)
        if header["v"] != VERSION:
            raise PackageError(
                Phrase("The package has version {given}; this djq reads version {own}.", given=header["v"], own=VERSION)
            )
        _check_header(header)
        return _from_header(header, _split(_inflate(payload, header, max_bytes), header["p"]))
    except (binascii.Error, zlib.error, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise PackageError(Phrase("The package is damaged: {error}.", error=error)) from error


def read_header(text: str) -> dict[str, Any]:
    """Return the header of a verified text alone, with ``sent`` in seconds since 1970; the payload stays unread."""
    try:
        header = _from_json_text(urlsafe_b64decode(text.partition(".")[0]).decode())
        _check_header(header)
        read = {name: header.get(name) for name in (*_TEXTS, "timeout", "hook")}
        sent = datetime.fromisoformat(header["started"]).timestamp()
        return {**read, "headers": header.get("h"), "serializer": str(header["s"]), "sent": sent}
    except (AttributeError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise PackageError(Phrase("The package is damaged: {error}.", error=error)) from error


def _check_header(header: Mapping[str, Any]) -> None:
    """Refuse what the cluster would stumble over: texts that are none, a timeout that is no number of seconds."""
    for name in _TEXTS if header.get("hook") is None else (*_TEXTS, "hook"):
        if not isinstance(header[name], str):
            raise PackageError(
                Phrase("The package is damaged: its {name} is {value!r}, not a text.", name=name, value=header[name])
            )
    timeout = header.get("timeout")
    if timeout is not None and not _is_seconds(timeout):
        raise PackageError(
            Phrase("The package is damaged: its timeout is {value!r}, not a number of seconds above 0.", value=timeout)
        )
    _check_attempts(header)


def _check_attempts(header: Mapping[str, Any]) -> None:
    most, backoff = header.get("max_attempts"), header.get("backoff")
    if most is not None and (type(most) is not int or most < 0):
        raise PackageError(
            Phrase("The package is damaged: its max_attempts is {value!r}, not a whole number.", value=most)
        )
    if backoff is not None:
        _read_backoff(backoff)


def _read_backoff(value: Any) -> Any:
    try:
        return PAUSE.read(value)
    except Refused as refused:
        raise PackageError(Phrase("The package is damaged: its backoff is {found}.", found=refused.found)) from refused


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max


def _parts(package: TaskPackage) -> Mapping[str, bytes]:
    if not package.chain:
        return package.parts
    links = {f"chain{n}": encode_package(link).encode("ascii") for n, link in enumerate(package.chain)}
    return {**package.parts, **links}


def _header(package: TaskPackage, parts: Mapping[str, bytes], further: Mapping[str, Any]) -> str:
    """Return the header as JSON: what every package has is written out, which takes a third of an encoder's time."""
    sizes = ",".join([f"[{_quoted(name)},{len(part)}]" for name, part in parts.items()])
    headers = _to_json_text(dict(package.headers)) if package.headers else "{}"
    always = (
        f'"v":{VERSION},"id":{_quoted(package.id)},"name":{_quoted(package.name)},"func":{_quoted(package.func)},'
        f'"started":{_quoted(package.started.isoformat())},"s":{_quoted(package.serializer)},"h":{headers},"p":[{sizes}]'
    )
    return f"{{{always},{_to_json_text(further)[1:]}" if further else f"{{{always}}}"


def _further(package: TaskPackage) -> dict[str, Any]:
    """Return the fields that few packages have."""
    if _seldom_set(package) == _UNSET:
        return {}
    return {
        **({"place": dataclasses.astuple(package.place)} if package.place else {}),
        **({"backoff": package.backoff.plain()} if package.backoff else {}),
        **{name: value for name in _OPTIONS if (value := getattr(package, name)) != _DEFAULTS[name]},
    }


def _from_header(header: Mapping[str, Any], parts: Mapping[str, bytes]) -> TaskPackage:
    chain = [part for name, part in parts.items() if name.startswith("chain")]
    return TaskPackage(
        id=header["id"],
        name=header["name"],
        func=header["func"],
        started=datetime.fromisoformat(header["started"]),
        serializer=str(header["s"]),
        headers=header["h"],
        place=Place(*header["place"]) if "place" in header else None,
        backoff=_read_backoff(header["backoff"]) if "backoff" in header else None,
        parts={name: part for name, part in parts.items() if not name.startswith("chain")},
        chain=tuple(decode_package(link.decode("ascii"), max_bytes=len(link)) for link in chain),
        **{name: header[name] for name in _OPTIONS if name in header},
    )


def _inflate(payload: bytes, header: Mapping[str, Any], max_bytes: int) -> bytes:
    size = header.get("z", len(payload))
    if size > max_bytes:
        raise PackageTooLarge(
            Phrase("The package holds {size:,} bytes; max_package_bytes allows {most:,}.", size=size, most=max_bytes)
        )
    return zlib.decompressobj().decompress(payload, max(size, 1)) if "z" in header else payload


def _split(payload: bytes, sizes: Sequence[tuple[str, int]]) -> dict[str, bytes]:
    if sum(size for _, size in sizes) != len(payload):
        raise PackageError(Phrase("The package is damaged: its parts are not of the announced size."))
    parts, start = {}, 0
    for name, size in sizes:
        parts[name] = payload[start : start + size]
        start += size
    return parts


def _to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii")
