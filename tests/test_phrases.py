"""Sentences that are English in a log and translated where a person reads them."""

from __future__ import annotations

import copy
import logging
import pickle

import pytest
from django.utils import translation

from djq_core.exceptions import BadPackageSignature, DjqError, FunctionNotAllowed
from djq_core.phrases import Phrase, in_words
from djq_core.schedules.literals import read_args

CRON = "A cron schedule"
SENTENCE = "Its arguments cannot be read: {error}"


def test_a_phrase_is_an_english_text_in_every_language() -> None:
    phrase = Phrase(SENTENCE, error="x")
    with translation.override("de"):
        assert (str(phrase), f"{phrase}", "%s" % phrase) == ("Its arguments cannot be read: x",) * 3  # noqa: UP031
    assert phrase == "Its arguments cannot be read: x"


def test_it_is_translated_when_it_is_asked_for() -> None:
    phrase = Phrase(SENTENCE, error="x")
    with translation.override("de"):
        assert phrase.translated() == "Die Argumente sind nicht lesbar: x"
    with translation.override("en"):
        assert phrase.translated() == str(phrase)


def test_an_error_is_logged_in_english_and_shown_translated(caplog: pytest.LogCaptureFixture) -> None:
    with translation.override("fr"):
        with pytest.raises(ValueError, match="is not a Python literal") as caught:
            read_args("a")
        logging.getLogger("djq").error("It failed: %s", caught.value)
        assert in_words(caught.value).startswith("'a' n\u2019est pas un littéral Python. Un texte s\u2019écrit")
    assert "It failed: 'a' is not a Python literal." in caplog.text


def test_phrases_and_errors_in_a_phrase_are_translated_with_it() -> None:
    inner = ValueError(Phrase("'{x}'", x=Phrase("function")))
    phrase = Phrase(SENTENCE, error=inner)
    with translation.override("de"):
        assert phrase.translated() == "Die Argumente sind nicht lesbar: 'Funktion'"
    assert phrase == "Its arguments cannot be read: 'function'"


def test_the_default_message_of_an_error_is_translated() -> None:
    with translation.override("de"):
        told = in_words(BadPackageSignature())
    assert told.startswith("Die Signatur ist ungültig")
    assert str(BadPackageSignature()).startswith("The signature is not valid")


def test_what_is_no_phrase_stays_as_it_is() -> None:
    with translation.override("de"):
        assert in_words(FunctionNotAllowed("function")) == "function"
        assert in_words(DjqError("a {b}")) == "a {b}"
        assert in_words(OSError(2, "gone")) == "[Errno 2] gone"
        assert in_words(5) == 5


def test_braces_of_values_and_of_a_sentence_without_values_stay() -> None:
    assert Phrase("{'a': 1}").translated() == Phrase("{'a': 1}") == "{'a': 1}"
    assert Phrase("{text}", text="{0}").translated() == "{0}"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_phrase_travels(again: object) -> None:
    phrase = again(Phrase(SENTENCE, error="x"))  # type: ignore[operator]
    assert phrase == "Its arguments cannot be read: x"
    with translation.override("de"):
        assert in_words(ValueError(phrase)) == "Die Argumente sind nicht lesbar: x"
