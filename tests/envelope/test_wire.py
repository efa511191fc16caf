"""The text of a package: everything comes back, and nothing that was damaged raises anything but our error."""

from __future__ import annotations

import json
import os
import random
import tracemalloc
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import fields
from typing import Any

import pytest

from djq_core.conf import Backoff
from djq_core.conf.backoff import Exponential, Steps
from djq_core.envelope import Place, TaskPackage, decode_package, encode_package, new_id
from djq_core.envelope.wire import read_header
from djq_core.exceptions import PackageError, PackageTooLarge
from tests.making import START

MIB = 1024 * 1024


def package(**values: Any) -> TaskPackage:
    parts = {"args": b"\x00\xff.:", "kwargs": b""}
    return TaskPackage(**{"id": new_id(), "name": "one", "func": "a.b", "started": START, "parts": parts, **values})


def again(one: TaskPackage, *, compress: bool = False, max_bytes: int = MIB) -> TaskPackage:
    return decode_package(encode_package(one, compress=compress), max_bytes=max_bytes)


def text_of(header: Any, payload: bytes = b"") -> str:
    return ".".join(urlsafe_b64encode(data).decode() for data in (json.dumps(header).encode(), payload))


def header_of(**changes: Any) -> dict[str, Any]:
    header = json.loads(urlsafe_b64decode(encode_package(package(id="e" * 32)).partition(".")[0]))
    return {**header, "p": [["args", 0]], **changes}


FULL = {
    "hook": "a.done",
    "group": "été \ud800",
    "save": False,
    "timeout": 1.5,
    "ack_failure": False,
    "max_attempts": 3,
    "backoff": Steps((1, 2.5)),
    "cached": 30,
    "cluster": "other",
    "place": Place("f" * 32, "été \ud800", 3, 4),
    "chain_id": "e" * 32,
    "goes_on": True,
    "headers": {"traceparent": "00-1"},
    "serializer": "json",
}


@pytest.mark.parametrize("compress", [False, True])
def test_every_field_comes_back(compress: bool) -> None:
    link, last = package(name="link", save=True), package(name="last", parts={"func": b"f" * 1000})
    full = package(**FULL, chain=(link, last))
    assert all(getattr(full, field.name) != field.default for field in fields(full))
    assert again(full, compress=compress) == full


@pytest.mark.parametrize("backoff", [Steps((0,)), Exponential(1, 3, 60, 0)])
def test_every_kind_of_backoff_comes_back(backoff: Backoff) -> None:
    assert again(package(backoff=backoff)).backoff == backoff


def test_a_package_of_before_these_options_is_read() -> None:
    old = header_of()
    assert not {"max_attempts", "backoff"} & set(old)
    read = decode_package(text_of(old), max_bytes=MIB)
    assert (read.max_attempts, read.backoff) == (None, None)


def test_options_left_open_stay_open() -> None:
    plain = package()
    assert again(plain) == plain
    assert again(package(save=False, ack_failure=False, cached=False)).save is False


def test_the_text_is_plain_ascii_for_every_broker() -> None:
    text = encode_package(package(group="été", parts={"args": bytes(range(256))}))
    assert text.isascii()
    assert text.isprintable()
    assert ":" not in text


def test_five_megabytes_travel() -> None:
    large = package(parts={"args": os.urandom(5 * MIB), "kwargs": b"k"})
    assert again(large, max_bytes=6 * MIB) == large
    assert again(large, compress=True, max_bytes=6 * MIB) == large


def test_compression_is_used_where_it_helps() -> None:
    even, noise = package(parts={"args": b"a" * 100_000}), package(parts={"args": os.urandom(1000)})
    assert len(encode_package(even, compress=True)) < 2000
    assert encode_package(noise, compress=True) == encode_package(noise)


def test_more_than_is_allowed_is_refused_before_it_is_inflated() -> None:
    text = encode_package(package(parts={"args": bytes(2000)}), compress=True)
    assert decode_package(text, max_bytes=2000).parts["args"] == bytes(2000)
    with pytest.raises(PackageTooLarge, match="holds 2,000 bytes; max_package_bytes allows 1,999"):
        decode_package(text, max_bytes=1999)
    with pytest.raises(PackageTooLarge):
        decode_package(encode_package(package(parts={"args": bytes(2000)})), max_bytes=1999)


def test_a_zip_bomb_takes_no_more_memory_than_it_announced() -> None:
    bomb = zlib.compress(bytes(100 * MIB))
    text = text_of(header_of(z=1000, p=[["args", 100 * MIB]]), bomb)
    tracemalloc.start()
    try:
        with pytest.raises(PackageError, match="not of the announced size"):
            decode_package(text, max_bytes=MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_another_version_is_named() -> None:
    with pytest.raises(PackageError, match="has version 2; this djq reads version 1"):
        decode_package(text_of(header_of(v=2)), max_bytes=MIB)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "é.é",
        "abc",
        text_of([]),
        text_of("text"),
        text_of({}),
        text_of(header_of(started="yesterday")),
        text_of(header_of(started=5)),
        text_of(header_of(p=5)),
        text_of(header_of(p=[["args"]])),
        text_of(header_of(p=[[1, 0]])),
        text_of(header_of(p=[["args", 10]]), b"123"),
        text_of(header_of(p=[["args", "0"]])),
        text_of(header_of(z=10), b"not deflated"),
        text_of(header_of(z="10"), b""),
        text_of(header_of(p=[["chain0", 3]]), b"\xff\xff\xff"),
    ],
)
def test_damage_is_told_as_such(text: str) -> None:
    with pytest.raises(PackageError, match="damaged"):
        decode_package(text, max_bytes=MIB)


def test_random_damage_raises_nothing_else() -> None:
    dice, good = random.Random(4), encode_package(package(chain=(package(),)), compress=True)
    refused = 0
    for _ in range(2000):
        at = dice.randrange(len(good))
        bad = good[:at] + dice.choice(["", "A", "z", "_", "=", ".", "!"]) + good[at + dice.randint(0, 3) :]
        try:
            decode_package(bad, max_bytes=MIB)
        except PackageError:
            refused += 1
    assert refused > 1000


def test_the_header_alone_is_read_whatever_the_payload_is() -> None:
    text = encode_package(package(id="7" * 32, timeout=2.5, hook="a.done", headers={"a": "b"}))
    told = {"id": "7" * 32, "name": "one", "func": "a.b", "timeout": 2.5, "hook": "a.done", "headers": {"a": "b"}}
    told |= {"sent": package().started.timestamp(), "serializer": "pickle"}
    assert read_header(text) == told
    assert read_header(f"{text.partition('.')[0]}.!!!") == told
    assert read_header(encode_package(package()))["timeout"] is None


DEEP = urlsafe_b64encode(b"[" * 100_000).decode()


@pytest.mark.parametrize("text", ["", "!!!", text_of([]), text_of({"id": 1}), text_of(5), DEEP])
def test_a_damaged_header_is_told_as_such(text: str) -> None:
    with pytest.raises(PackageError, match="damaged"):
        read_header(text)
    with pytest.raises(PackageError, match="damaged"):
        decode_package(text, max_bytes=MIB)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"timeout": "5"}, "its timeout is '5', not a number of seconds above 0"),
        ({"timeout": True}, "its timeout is True"),
        ({"timeout": 0}, "its timeout is 0"),
        ({"timeout": -1.5}, "its timeout is -1.5"),
        ({"timeout": float("nan")}, "its timeout is nan"),
        ({"timeout": float("inf")}, "its timeout is inf"),
        ({"timeout": 10**400}, "its timeout is 1000"),
        ({"timeout": [5]}, r"its timeout is \[5\]"),
        ({"id": 5}, "its id is 5, not a text"),
        ({"name": None}, "its name is None, not a text"),
        ({"func": ["a.b"]}, r"its func is \['a.b'\], not a text"),
        ({"hook": False}, "its hook is False, not a text"),
        ({"max_attempts": "3"}, "its max_attempts is '3', not a whole number"),
        ({"max_attempts": True}, "its max_attempts is True"),
        ({"max_attempts": -1}, "its max_attempts is -1"),
        ({"max_attempts": 1.5}, "its max_attempts is 1.5"),
        ({"backoff": "5"}, "its backoff is a value of type str"),
        ({"backoff": []}, "its backoff is an empty list"),
        ({"backoff": {"initial": float("nan")}}, "its backoff is 'initial': nan"),
    ],
)
def test_fields_of_a_wrong_type_are_named(changes: dict[str, Any], text: str) -> None:
    damaged = text_of(header_of(**changes))
    with pytest.raises(PackageError, match=text):
        read_header(damaged)
    with pytest.raises(PackageError, match=text):
        decode_package(damaged, max_bytes=MIB)
