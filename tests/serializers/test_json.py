"""JSON: what comes back is what went in, of the same type, and what cannot is refused."""

from __future__ import annotations

import enum
import gc
import json
import re
import time as clock
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.utils.datastructures import MultiValueDict
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe

from djq_core.exceptions import DeserializationError, InstanceGone, SerializationError
from djq_core.serializers import JsonSerializer, tags

NAIVE = datetime(2026, 1, 2, 3, 4, 5, 6)  # noqa: DTZ001 - it comes back as naive as it was
BERLIN = ZoneInfo("Europe/Berlin")
Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


class Precise(datetime):
    """A datetime that knows more than a datetime, as pandas has one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Precise) and super().__eq__(other)

    __hash__ = datetime.__hash__


def there_and_back(value: Any) -> Any:
    serializer = JsonSerializer()
    return serializer.loads(serializer.dumps(value))


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "Grüße \U0001f600", "\ud800", [1, [2]], {"a": {"b": []}}, 10**400]
)
def test_a_plain_value_is_written_as_any_json_is(value: object) -> None:
    data = JsonSerializer().dumps(value)
    assert json.loads(data) == value
    assert JsonSerializer().loads(data) == value


@pytest.mark.parametrize(
    "value",
    [
        (),
        (1, (2, [3])),
        {1, "a", (2,)},
        frozenset({frozenset()}),
        b"\x00\xff",
        NAIVE,
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=timezone(-timedelta(hours=3, minutes=30, seconds=1))),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
        NAIVE.replace(fold=1),
        NAIVE.max,
        date(1, 1, 1),
        time(1, 2, 3, 4),
        time(1, tzinfo=BERLIN),
        timedelta(-1, 5, 7),
        Decimal("-0.10"),
        Decimal("sNaN"),
        Decimal("1E+400"),
        UUID(int=7),
        {1: "one", None: 0, (1, 2): {3}, date(2026, 1, 2): "d"},
        {"1": "text", 1: "number", 1.5: "another"},
        {"$tuple": [1]},
        {"$": {"$dict": []}},
        {"$unknown": 1, "b": 2},
        {"$tuple": [1], "b": [2]},
        ({"$tuple": 1},),
        ("$tuple", '"$'),
        "\ud83d\ude00",
        ["a\ud83d\ude00\ude00 \U0001f600", ("\ud83d", "\ude00", {"\ud83d\ude00"})],
        {"\ud83d\ude00": "halves", "\U0001f600": {"the whole": None}},
        {"$\ud83d\ude00": {1: "\ud83d\ude00"}},
        {"a": ("b", {"c": {b"d"}})},
    ],
    ids=lambda value: "".join(sorted(repr(value))) if isinstance(value, set) else repr(value),
)
def test_a_tagged_value_comes_back_the_same(value: object) -> None:
    assert_same(there_and_back(value), value)


def assert_same(found: Any, value: Any) -> None:
    """Fail unless two values are the same inside and out, time zones and folds included."""
    assert type(found) is type(value)
    if isinstance(value, dict):
        assert_same(list(found.items()), list(value.items()))
    elif isinstance(value, list | tuple):
        assert len(found) == len(value)
        for one, other in zip(found, value, strict=True):
            assert_same(one, other)
    elif isinstance(value, set | frozenset):
        assert found == value
        assert sorted(map(repr, map(type, found))) == sorted(map(repr, map(type, value)))
    else:
        assert repr(found) == repr(value)


def test_the_order_of_a_dictionary_is_kept() -> None:
    assert list(there_and_back({"b": 1, "a": 2})) == ["b", "a"]
    assert list(there_and_back({2: 1, 1: 2})) == [2, 1]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Point(1, 2), (1, 2)),
        (OrderedDict(a=[1]), {"a": [1]}),
        (MultiValueDict({"a": ["1", "2"]}), {"a": ["1", "2"]}),
        (mark_safe("<b>"), "<b>"),
        (Size.LARGE, 3),
        ({Size.LARGE: 1}, {3: 1}),
    ],
    ids=repr,
)
def test_a_derived_type_comes_back_as_what_it_derives_from(value: object, found: object) -> None:
    assert_same(there_and_back([value]), [found])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Colour.RED, "Colour is not JSON serializable"),
        ({"a": [object()]}, "object is not JSON serializable"),
        ({object(): 1}, "object is not JSON serializable"),
        (1j, "complex is not JSON serializable"),
        (Precise(2026, 1, 2), "Precise is not JSON serializable"),
        (bytearray(b"a"), "bytearray is not JSON serializable"),
        (float("nan"), "Out of range float"),
        ([float("inf")], "Out of range float"),
        (10**5000, "integer string conversion"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_error_names_type_and_reason(value: object, reason: str) -> None:
    with pytest.raises(SerializationError, match=reason) as caught:
        JsonSerializer().dumps(value)
    assert f"type {type(value).__qualname__!r} cannot be written as JSON" in str(caught.value)


# Depth


def test_a_bottomless_value_is_no_crash() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(SerializationError, match="nested too deeply for JSON: max_nesting_depth allows 100 levels"):
        JsonSerializer().dumps(loop)


@pytest.mark.parametrize("deepest", [1, 2, 17, 200])
def test_the_limit_is_exact_both_ways(deepest: int) -> None:
    strict, lenient = JsonSerializer(), JsonSerializer()
    strict.max_nesting_depth, lenient.max_nesting_depth = deepest, deepest + 1
    assert strict.loads(strict.dumps(nested(deepest))) == nested(deepest)
    with pytest.raises(SerializationError, match=f"max_nesting_depth allows {deepest} levels"):
        strict.dumps(nested(deepest + 1))
    with pytest.raises(DeserializationError, match=f"max_nesting_depth allows {deepest} levels"):
        strict.loads(lenient.dumps(nested(deepest + 1)))


@pytest.mark.parametrize("wrap", [lambda v: {1: v}, lambda v: (v,), lambda v: {"$": v}, lambda v: {"a": v}])
def test_tags_count_as_no_level_of_their_own(wrap: Any) -> None:
    serializer = JsonSerializer()
    value: Any = 0
    for _ in range(serializer.max_nesting_depth):
        value = wrap(value)
    assert serializer.loads(serializer.dumps(value)) == value
    with pytest.raises(SerializationError, match="too deeply"):
        serializer.dumps(wrap(value))


def test_brackets_in_texts_are_no_levels() -> None:
    value = [["[" * 500, '"[{' * 500, "\\"], {"{[": '[[\\"'}, *[[]] * 500]
    assert there_and_back(value) == value


MANY = 10**6


@pytest.mark.parametrize("bomb", [b"[" * MANY, b"[" * MANY + b"]" * MANY, b'{"a":' * MANY, b'["[",' + b"[{" * MANY])
def test_a_text_that_is_too_deep_is_refused_before_it_is_read(bomb: bytes) -> None:
    began = clock.process_time()
    with pytest.raises(DeserializationError, match="nested too deeply"):
        JsonSerializer().loads(bomb)
    assert clock.process_time() - began < 2


def test_a_text_that_is_not_closed_is_looked_at_once() -> None:
    began = clock.process_time()
    with pytest.raises(DeserializationError, match="Unterminated string"):
        JsonSerializer().loads(b"[" * 101 + b'"' + b'\\"' * MANY)
    assert clock.process_time() - began < 2


# Damaged


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "Expecting"),
        (b"\xff", "utf-8"),
        (b'{"$unknown":1}', r"'\$unknown' is no tag that this djq knows: \$bytes, "),
        (b'{"$datetime":"soon"}', r"\$datetime is damaged: ValueError"),
        (b'{"$datetime":["2026-01-02","../secret",0]}', r"\$datetime is damaged"),
        (b'{"$datetime":["2026-01-02","No/Where",0]}', r"\$datetime is damaged: ZoneInfoNotFoundError"),
        (b'{"$datetime":["2026-01-02","Europe",0]}', r"\$datetime is damaged"),
        (b'{"$time":["03:04","' + b"x" * 9000 + b'",0]}', r"\$time is damaged"),
        (b'{"$bytes":"?"}', r"\$bytes is damaged"),
        (b'{"$decimal":"ten"}', r"\$decimal is damaged: InvalidOperation"),
        (b'{"$timedelta":[999999999999,0,0]}', r"\$timedelta is damaged: OverflowError"),
        (b'{"$set":[[]]}', r"\$set is damaged: TypeError"),
        (b'{"$dict":[[[],1]]}', r"\$dict is damaged: TypeError"),
        (b'{"$dict":1}', r"\$dict is damaged: TypeError"),
        (b'{"$model":[1]}', r"\$model is damaged: TypeError"),
        (b'{"$model":["auth",1,"default"]}', "There is no model 'auth' here"),
        (b'{"$model":["no.such",1,"default"]}', r"There is no model 'no\.such' here"),
        (b'{"$model":["auth.user",1,"elsewhere"]}', "lies in a database that is not here"),
        (b'{"$tuple":[1],"b":[2', "Expecting"),
    ],
)
def test_what_is_damaged_is_an_error_that_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(DeserializationError, match=reason):
        JsonSerializer().loads(data)


# Model instances


@pytest.mark.django_db
def test_an_instance_is_fetched_again() -> None:
    user, group = User.objects.create(username="before"), Group.objects.create(name="g")
    data = JsonSerializer().dumps({"who": [user], "group": (group,)})
    User.objects.update(username="after")
    found = JsonSerializer().loads(data)
    assert found == {"who": [user], "group": (group,)}
    assert found["who"][0].username == "after"
    assert b"before" not in data


@pytest.mark.django_db
def test_the_user_of_a_request_is_an_instance_too() -> None:
    user = User.objects.create(username="u")
    found = there_and_back(SimpleLazyObject(lambda: user))
    assert type(found) is User
    assert found == user


@pytest.mark.django_db
def test_an_instance_whose_row_is_gone_is_a_clear_error() -> None:
    user = User.objects.create(username="u")
    key, data = user.pk, JsonSerializer().dumps(user)
    user.delete()
    told = rf"No auth\.user has the primary key {key} in the database 'default': it was deleted after it was sent"
    with pytest.raises(InstanceGone, match=told) as caught:
        JsonSerializer().loads(data)
    assert isinstance(caught.value.__cause__, User.DoesNotExist)


@pytest.mark.django_db
def test_an_instance_without_a_row_is_refused() -> None:
    deleted = User.objects.create(username="u")
    deleted.delete()
    for user in (User(username="u"), User(pk=7), deleted):
        with pytest.raises(SerializationError, match="the User was never saved, or was deleted"):
            JsonSerializer().dumps([user])


@pytest.mark.django_db
def test_what_is_no_primary_key_is_an_error() -> None:
    with pytest.raises(DeserializationError, match=r"'seven' is no primary key of a auth\.user"):
        JsonSerializer().loads(b'{"$model":["auth.user","seven","default"]}')


# Documented


def test_the_page_has_every_tag_and_each_example_is_read_as_it_is_written() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "serializers.md").read_text()
    written = re.findall(r'^\| .* \| `(\{"\$\w+": .*?\})`', page, re.MULTILINE)
    assert sorted(next(iter(json.loads(text))) for text in written) == sorted(tags._READERS)
    for text in written:
        if "$model" not in text:
            data = json.dumps(json.loads(text), separators=(",", ":")).encode()
            assert JsonSerializer().dumps(JsonSerializer().loads(data)) == data


# Speed


def test_plain_values_take_no_longer_than_a_walk_and_the_library_do() -> None:
    """Measured side by side, the best of many: half as long again is allowed for, a walk in vain takes more."""
    rows: list[Any] = [{"id": n, "name": f"n{n}", "tags": ["a", "b"], "ok": True} for n in range(100)]
    values = [rows, list(range(1000)), "x" * 100_000, {"user": 1, "name": "abc"}]
    serializer = JsonSerializer()

    def ours() -> None:
        for value in values:
            serializer.loads(serializer.dumps(value))

    def plain() -> None:
        for value in values:
            json.loads(json.dumps(_walked(value), allow_nan=False, separators=(",", ":")).encode("ascii"))

    assert best_of(ours, plain) < 1.5


def _walked(value: Any) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            assert isinstance(key, str)
            _walked(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _walked(item)
    return value


def best_of(one: Any, other: Any) -> float:
    """Return how many times as long the one takes as the other, in processor time, each at its best."""
    best = {one: float("inf"), other: float("inf")}
    gc.collect()
    for _ in range(30):
        for work, seconds in best.items():
            began = clock.process_time()
            work()
            best[work] = min(seconds, clock.process_time() - began)
    return best[one] / best[other]


def test_a_uuid_of_any_version_comes_back() -> None:
    value = uuid4()
    assert there_and_back(value) == value
