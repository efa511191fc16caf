"""What a person has written and cannot be meant, told in English to programs and in their language to people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext


class Mistake(ValueError):
    """Something that cannot be meant. ``text`` is marked for translation and holds the ``params`` by their names."""

    def __init__(self, text: str, /, **params: Any) -> None:
        super().__init__(text % params)
        self.text = text
        self.params = params

    def told(self) -> str:
        """Return the message in the language of who reads it."""
        return gettext(self.text) % self.params


def told(error: BaseException) -> str:
    """Return the message of any error, translated where it can be."""
    return error.told() if isinstance(error, Mistake) else str(error)
