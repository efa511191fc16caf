"""Whatever a value is made of, it comes back as it went in, through each serializer and through a package."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from djq_core.envelope import TASK, decode_package, encode_package
from djq_core.exceptions import DeserializationError
from djq_core.serializers import JsonSerializer, PickleSerializer, Serializer
from djq_core.serializers.depth import depth_of_text, depth_of_value
from tests.making import package_of, runtime_of
from tests.serializers.test_json import assert_same

#: The same examples each time, as many as take a second, and no folder of them.
settings.register_profile(
    "djq",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=150,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
steady = settings.get_profile("djq")

ZONES = st.none() | st.timezones()
#: Any text, halves of surrogate pairs included.
TEXTS = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    ["$tuple", "$dict", "$", '"$', "[{", "\ud83d\ude00", "\U0001f600"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.binary(max_size=20)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=ZONES, allow_imaginary=True)
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
)
HASHABLE = st.recursive(
    SCALARS.filter(lambda value: not isinstance(value, Decimal) or not value.is_nan()),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    SCALARS | HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXTS, inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("kind", [JsonSerializer, PickleSerializer])
@given(value=VALUES)
@steady
def test_every_value_comes_back(kind: type[Serializer], value: Any) -> None:
    assert_same(kind().loads(kind().dumps(value)), value)


@given(value=VALUES)
@steady
def test_every_value_travels_in_a_package(value: Any) -> None:
    runtime = runtime_of(serializer="json")
    signed = runtime.signer.sign(TASK, encode_package(package_of(runtime, args=(value,)), compress=True))
    package = decode_package(runtime.signer.verify(TASK, signed), max_bytes=1 << 20)
    assert_same(runtime.load(package.serializer, package.parts["args"]), (value,))


@given(value=st.recursive(st.none() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner, max_size=3)))
@steady
def test_the_depth_of_a_text_is_told_from_its_brackets(value: Any) -> None:
    data = JsonSerializer().dumps([value, *[[]] * 3])
    if b"$dict" not in data:
        assert 0 <= depth_of_text(data, 1) - depth_of_value([value, []]) <= 8


@given(data=st.binary(max_size=60) | st.text('[]{}",:$tuple1 \\', max_size=60).map(str.encode))
@steady
def test_any_bytes_are_a_value_or_the_one_error(data: bytes) -> None:
    with suppress(DeserializationError):
        JsonSerializer().loads(data)
