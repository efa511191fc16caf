"""Ids of tasks and their readable form."""

from __future__ import annotations

import pytest

from djq_core.envelope.names import WORDS, new_id, task_name

FIRST = "00000000000040008000000000000000"


def test_an_id_is_32_hexadecimal_digits_and_new_each_time() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)


def test_a_name_is_four_of_the_words() -> None:
    parts = task_name(new_id()).split("-")
    assert len(parts) == 4
    assert set(parts) <= set(WORDS)


def test_a_name_belongs_to_its_id_for_good() -> None:
    assert task_name(FIRST) == "corner-latch-moss-palace"
    assert task_name(FIRST.upper()) == task_name(FIRST)


def test_ids_that_differ_in_one_digit_have_other_names() -> None:
    names = {task_name(f"{FIRST[:-2]}{last:02x}") for last in range(256)}
    assert len(names) == 256


def test_there_is_a_plain_distinct_word_for_every_byte() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert all(word.isascii() and word.isalpha() and word.islower() and len(word) <= 8 for word in WORDS)


def test_every_word_is_used() -> None:
    used = {word for _ in range(3000) for word in task_name(new_id()).split("-")}
    assert used == set(WORDS)


@pytest.mark.parametrize("wrong", ["", "abc", "z" * 32, "0" * 33, f"{FIRST}\n"])
def test_what_is_no_id_has_no_name(wrong: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        task_name(wrong)
