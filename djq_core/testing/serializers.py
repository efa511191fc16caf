"""The contract of a serializer as a test suite."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any, ClassVar, Final

import pytest

from djq_core.exceptions import SerializationError
from djq_core.serializers.base import Serializer
from djq_core.testing.contract import Contract

#: What every task may be called with, whatever the serializer.
VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    2**53 - 1,
    0.1,
    -1e300,
    "",
    "a",
    'snow \N{SNOWMAN}, tune \N{MUSICAL SYMBOL G CLEF}, nul \x00, quote " and \\',
    "x" * 1_000_000,
    [],
    [1, "two", [3.0, None]],
    {},
    {"key": {"deeper": [True, {"\N{SNOWMAN}": ""}]}},
)
_DEEP: Final = 100_000
_TAG: Final = re.compile(r"[a-z0-9_.-]{1,32}")
_READ = "import sys; from {module} import {name} as kind; sys.exit(kind().loads(sys.stdin.buffer.read()) != ['a', 1])"


class Unwritable:
    """A value that no serializer can take."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        raise ValueError("this value refuses to be written")


class SerializerContract(Contract):
    """What every serializer promises; subclass it and set ``serializer_class``.

    ``values`` are more values that come back as they went in, ``refused`` more that the class has to refuse.
    """

    contract_name: ClassVar[str] = "SerializerContract"
    subject_attribute: ClassVar[str] = "serializer_class"
    #: The class under test.
    serializer_class: ClassVar[type[Serializer]]
    #: Values beyond those of every serializer that come back equal and of the same type.
    values: ClassVar[Sequence[Any]] = ()
    #: Values beyond those of every serializer that cannot be written.
    refused: ClassVar[Sequence[Any]] = ()

    @pytest.fixture
    def serializer(self) -> Serializer:
        """Give a new serializer; djq builds it without arguments."""
        return self.serializer_class()

    def test_the_tag_can_travel(self) -> None:
        assert _TAG.fullmatch(self.serializer_class.tag), f"{self.serializer_class.tag!r} is no lower-case word"

    def test_what_is_written_is_bytes(self, serializer: Serializer) -> None:
        assert {type(serializer.dumps(value)) for value in self._all()} == {bytes}

    def test_each_value_comes_back_as_it_went_in(self, serializer: Serializer) -> None:
        for value in self._all():
            found = serializer.loads(serializer.dumps(value))
            assert (type(found), found) == (type(value), value)

    def test_arguments_of_a_call_come_back(self, serializer: Serializer) -> None:
        found = serializer.loads(serializer.dumps((1, "two")))
        assert list(found) == [1, "two"]

    def test_writing_changes_nothing(self, serializer: Serializer) -> None:
        value = {"list": [1, {"two": 2}]}
        before = deepcopy(value)
        serializer.dumps(value)
        assert value == before

    def test_what_is_read_is_a_value_of_its_own(self, serializer: Serializer) -> None:
        data = serializer.dumps([1, [2]])
        first = serializer.loads(data)
        first[1].append("changed")
        assert serializer.loads(data) == [1, [2]]

    def test_another_one_reads_it(self, serializer: Serializer) -> None:
        for value in self._all():
            assert self.serializer_class().loads(serializer.dumps(value)) == value

    def test_another_process_reads_it(self, serializer: Serializer) -> None:
        code = _READ.format(module=self.serializer_class.__module__, name=self.serializer_class.__qualname__)
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            input=serializer.dumps(["a", 1]),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    def test_threads_may_share_one(self, serializer: Serializer) -> None:
        def both_ways(number: int) -> Any:
            return serializer.loads(serializer.dumps(["text" * 1000, number]))[1]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(both_ways, range(200))) == list(range(200))

    def test_what_cannot_be_written_is_refused_by_its_type(self, serializer: Serializer) -> None:
        for value in (Unwritable(), *self.refused):
            with pytest.raises(SerializationError, match=re.escape(type(value).__name__)):
                serializer.dumps(value)

    def test_what_is_hidden_inside_is_refused_too(self, serializer: Serializer) -> None:
        for value in (Unwritable(), *self.refused):
            with pytest.raises(SerializationError):
                serializer.dumps({"in": [value]})

    def test_a_refusal_leaves_it_as_good_as_before(self, serializer: Serializer) -> None:
        with pytest.raises(SerializationError):
            serializer.dumps([Unwritable()])
        assert serializer.loads(serializer.dumps([1])) == [1]

    def test_a_value_nested_too_deeply_is_refused(self, serializer: Serializer) -> None:
        deep: list[Any] = []
        for _ in range(_DEEP):
            deep = [deep]
        try:
            with pytest.raises(SerializationError):
                serializer.dumps(deep)
        finally:
            while deep:  # freed step by step: freeing it at once could itself be too deep
                deep = deep.pop()

    @pytest.mark.parametrize("kept", [0.0, 0.5, 0.9])
    def test_bytes_that_were_cut_are_no_value(self, serializer: Serializer, kept: float) -> None:
        data = serializer.dumps({"key": ["text" * 100, 1]})
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is becomes the failure of the task
            serializer.loads(data[: int(len(data) * kept)])

    def _all(self) -> tuple[Any, ...]:
        return (*VALUES, *self.values)
