"""Signatures: nothing that was changed, or signed for something else, is ever read."""

from __future__ import annotations

import pickle
import random
import string

import pytest
from django.core import signing

from djq_core.envelope import FIELD, GROUP, RESULT, STAT, TASK, Signer, encode_package
from djq_core.exceptions import BadPackageSignature
from tests.making import package_of, runtime_of

PURPOSES = (TASK, STAT, GROUP, RESULT, FIELD)
ALPHABET = string.ascii_letters + string.digits + "-_=.:\x00é "
SIGNER = Signer("main", "a key")


def signed_package() -> str:
    return SIGNER.sign(TASK, encode_package(package_of(runtime_of(), kwargs={"text": "x" * 100}, group="g")))


def mutated(text: str, dice: random.Random) -> str:
    """Return the text with something replaced, inserted, removed, doubled or cut off."""
    at = dice.randrange(len(text))
    other = dice.choice([one for one in ALPHABET if one != text[at]])
    return dice.choice(
        [
            f"{text[:at]}{other}{text[at + 1 :]}",
            f"{text[:at]}{other}{text[at:]}",
            f"{text[:at]}{text[at + dice.randint(1, 5) :]}",
            text[:at],
            text[at + 1 :],
            f"{text}{text[at:]}",
        ]
    )


def test_what_was_signed_is_verified_as_text_and_as_bytes() -> None:
    signed = SIGNER.sign(TASK, "hello:world")
    assert SIGNER.verify(TASK, signed) == "hello:world"
    assert SIGNER.verify(TASK, signed.encode()) == "hello:world"


def test_no_random_change_of_a_package_is_verified() -> None:
    dice, signed = random.Random(20), signed_package()
    for _ in range(2000):
        changed = mutated(signed, dice)
        assert changed != signed
        with pytest.raises(BadPackageSignature):
            SIGNER.verify(TASK, changed)


def test_no_truncation_of_a_package_is_verified() -> None:
    signed = signed_package()
    for end in range(len(signed)):
        with pytest.raises(BadPackageSignature):
            SIGNER.verify(TASK, signed[:end])


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"\xff\xfe", b"", b"\x00" * 100, "é:abc".encode()):
        with pytest.raises(BadPackageSignature):
            SIGNER.verify(TASK, data)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("other", PURPOSES)
def test_one_purpose_never_stands_in_for_another(purpose: str, other: str) -> None:
    signed = SIGNER.sign(purpose, "text")
    if purpose == other:
        assert SIGNER.verify(other, signed) == "text"
        return
    with pytest.raises(BadPackageSignature):
        SIGNER.verify(other, signed)


def test_a_package_of_another_cluster_name_is_refused() -> None:
    with pytest.raises(BadPackageSignature):
        SIGNER.named("other").verify(TASK, SIGNER.sign(TASK, "text"))
    assert SIGNER.named("other").named("main").verify(TASK, SIGNER.sign(TASK, "text")) == "text"
    assert SIGNER.named("main") is SIGNER


def test_a_package_of_another_key_is_refused() -> None:
    with pytest.raises(BadPackageSignature):
        SIGNER.verify(TASK, Signer("main", "another key").sign(TASK, "text"))


def test_an_old_key_verifies_and_does_not_sign() -> None:
    old, new = Signer("main", "old"), Signer("main", "new", ("old", "older"))
    assert new.verify(TASK, old.sign(TASK, "text")) == "text"
    assert new.named("b").verify(TASK, old.named("b").sign(TASK, "text")) == "text"
    with pytest.raises(BadPackageSignature):
        old.verify(TASK, new.sign(TASK, "text"))


@pytest.mark.parametrize("text", ["", "short", "long é\x00:" * 100])
def test_signatures_are_those_of_django(text: str) -> None:
    for key in ("a key", "clé", "k" * 200):
        assert Signer("main", key).sign(TASK, text) == signing.Signer(key=key, salt="djq:task:main").sign(text)


def test_the_refusal_says_what_may_be_the_reason() -> None:
    with pytest.raises(BadPackageSignature, match="another SECRET_KEY"):
        SIGNER.verify(TASK, "text")


def test_a_signer_shows_no_key_and_travels() -> None:
    signer = Signer("main", "hidden", ("hidden too",))
    assert "hidden" not in repr(signer)
    assert pickle.loads(pickle.dumps(signer)).sign(TASK, "text") == signer.sign(TASK, "text")
