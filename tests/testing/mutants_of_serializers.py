"""Serializers with one fault each, and the test of the contract that finds it."""

from __future__ import annotations

import json
import time
from typing import Any

from djq_core.exceptions import SerializationError
from djq_core.serializers import JsonSerializer, PickleSerializer, Serializer


class HasNoTag(JsonSerializer):
    tag = ""


class WritesText(JsonSerializer):
    def dumps(self, value: Any) -> bytes:
        return super().dumps(value).decode()  # type: ignore[return-value]


class TakesTruthForNumbers(JsonSerializer):
    def loads(self, data: bytes) -> Any:
        value = super().loads(data)
        return int(value) if isinstance(value, bool) else value


class CutsArguments(JsonSerializer):
    def loads(self, data: bytes) -> Any:
        value = super().loads(data)
        return value[:1] if value == (1, "two") else value


class ChangesWhatItWrites(JsonSerializer):
    def dumps(self, value: Any) -> bytes:
        data = super().dumps(value)
        if isinstance(value, dict) and value:
            value.popitem()
        return data


class Remembers(JsonSerializer):
    def __init__(self) -> None:
        self._known: dict[bytes, Any] = {}

    def loads(self, data: bytes) -> Any:
        return self._known.setdefault(data, super().loads(data))


class KeepsItToItself(JsonSerializer):
    def __init__(self) -> None:
        self._known: dict[bytes, Any] = {}

    def dumps(self, value: Any) -> bytes:
        data = super().dumps(value)
        self._known[data] = value
        return data

    def loads(self, data: bytes) -> Any:
        return self._known[data]


class KeepsItInTheProcess(KeepsItToItself):
    known: dict[bytes, Any] = {}

    def __init__(self) -> None:
        self._known = self.known


class SharesABuffer(JsonSerializer):
    def loads(self, data: bytes) -> Any:
        self._data = data
        time.sleep(0.0001)
        return super().loads(self._data)


class WritesDescriptions(Serializer):
    tag = "descriptions"

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, default=repr).encode()


class RefusesWithoutAName(JsonSerializer):
    def dumps(self, value: Any) -> bytes:
        try:
            return super().dumps(value)
        except SerializationError:
            raise SerializationError("This cannot be written.") from None


class LooksAtTheOutsideOnly(JsonSerializer):
    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, default=repr).encode() if isinstance(value, dict) else super().dumps(value)


class BreaksWhenItRefuses(JsonSerializer):
    def __init__(self) -> None:
        self._is_broken = False

    def dumps(self, value: Any) -> bytes:
        was_broken, self._is_broken = self._is_broken, True
        data = b"null" if was_broken else super().dumps(value)
        self._is_broken = was_broken
        return data


class GoesAsDeepAsItCan(Serializer):
    tag = "deep"

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()


class ReadsAnything(PickleSerializer):
    def loads(self, data: bytes) -> Any:
        try:
            return super().loads(data)
        except Exception:
            return None


FOUND_BY: dict[type[Serializer], str] = {
    HasNoTag: "test_the_tag_can_travel",
    WritesText: "test_what_is_written_is_bytes",
    TakesTruthForNumbers: "test_each_value_comes_back_as_it_went_in",
    CutsArguments: "test_arguments_of_a_call_come_back",
    ChangesWhatItWrites: "test_writing_changes_nothing",
    Remembers: "test_what_is_read_is_a_value_of_its_own",
    KeepsItToItself: "test_another_one_reads_it",
    KeepsItInTheProcess: "test_another_process_reads_it",
    SharesABuffer: "test_threads_may_share_one",
    WritesDescriptions: "test_what_cannot_be_written_is_refused_by_its_type",
    RefusesWithoutAName: "test_what_cannot_be_written_is_refused_by_its_type",
    LooksAtTheOutsideOnly: "test_what_is_hidden_inside_is_refused_too",
    BreaksWhenItRefuses: "test_a_refusal_leaves_it_as_good_as_before",
    GoesAsDeepAsItCan: "test_a_value_nested_too_deeply_is_refused",
    ReadsAnything: "test_bytes_that_were_cut_are_no_value",
}
