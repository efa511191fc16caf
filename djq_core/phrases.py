"""Sentences that are English in a log and in the reader's language on a page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext


class Phrase(str):
    """An English sentence that can be said in another language: ``Phrase("{name} takes a text.", name="hook")``.

    It is a text like any other, so an error that is raised with it is logged in English, whatever language the process
    speaks. Where a person reads it, :func:`in_words` translates it. ``sentence`` is a literal, for it is looked up in
    the catalogues; its places are those of ``str.format``, and a value that is a phrase is translated with it.
    """

    __slots__ = ("sentence", "values")

    sentence: str
    values: dict[str, Any]

    def __new__(cls, sentence: str = "", **values: Any) -> Phrase:
        phrase = super().__new__(cls, sentence.format(**values) if values else sentence)
        phrase.sentence, phrase.values = sentence, values
        return phrase

    def translated(self) -> str:
        """Return it in the language of the thread."""
        sentence = gettext(self.sentence) if self.sentence else ""
        values = {name: in_words(value) for name, value in self.values.items()}
        return sentence.format(**values) if values else sentence


def in_words(said: Any) -> Any:
    """Return a phrase, or the text of an error that was raised with one, in the reader's language.

    The text of another error is returned as it is, and so is anything else.
    """
    if isinstance(said, BaseException):
        first = said.args[0] if len(said.args) == 1 else None
        return first.translated() if isinstance(first, Phrase) else str(said)
    return said.translated() if isinstance(said, Phrase) else said


def gettext_noop(text: str) -> str:
    """Mark a text that is translated where it is shown; Django's own reads the settings, which no import may do."""
    return text
