"""A language in which every marked text stands in brackets: what stands outside is data, or was not marked.

Texts of Django are in it too. A place for a value is outside the brackets of its sentence, so that an untranslated text
does not hide in a translated one.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import django
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.test import override_settings
from django.utils import translation

from tests.languages.catalogues import compiled, forms, packages, template

LANGUAGE: Final = "xx"
OPEN: Final = "⟦"
CLOSE: Final = "⟧"
#: A place for a value in a sentence: %(name)s, %d, {name!r}.
PLACE: Final = re.compile(r"%\(\w+\)[\d.]*[a-z]|%[ds]|\{\w+(?:![rs])?(?::[^{}]*)?\}")

_DJANGO: Final = Path(django.__file__).parent
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_SHOWN: Final = frozenset({"alt", "aria-label", "aria-description", "label", "placeholder", "title"})
#: How the attributes begin whose texts a script shows.
_SAID_BY_SCRIPTS: Final = "data-text-"
_BUTTONS: Final = frozenset({"button", "reset", "submit"})
_UNSHOWN: Final = frozenset({"script", "style"})


def write_pseudo(folder: Path) -> None:
    """Write the catalogue of the language, for ``LOCALE_PATHS``."""
    catalog = Catalog(locale="en", fuzzy=False)
    for source in [*_djangos_own(), *map(template, packages())]:
        for message in source:
            if message.id:
                said = tuple(bracketed(form) for form in forms(message.id))
                catalog.add(message.id, said if message.pluralizable else said[0], context=message.context)
    path = folder / LANGUAGE / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(compiled(catalog))


@contextmanager
def spoken(folder: Path) -> Iterator[None]:
    """Speak the language whose catalogue lies in the folder."""
    with override_settings(LOCALE_PATHS=[str(folder)]), translation.override(LANGUAGE):
        yield


def bracketed(text: str) -> str:
    """Return a text in brackets, its places outside of them."""
    return OPEN + PLACE.sub(lambda place: f"{CLOSE}{place[0]}{OPEN}", text) + CLOSE


def unmarked(text: str, data: Iterable[str] = ()) -> list[str]:
    """Return the lines with words that are neither in brackets nor data, without what is."""
    return _Outside(data).lines(text)


def unmarked_on(page: str, data: Iterable[str] = ()) -> list[str]:
    """Return the texts of an HTML page, attributes that are shown among them, that are neither in brackets nor data."""
    reader = _Page(_Outside(data))
    reader.feed(page)
    reader.close()
    return reader.found


def unmarked_in_help(parser: ArgumentParser, data: Iterable[str] = (), *, known: Iterable[str] = ()) -> list[str]:
    """Return what the help of a command and of its subcommands says outside of brackets.

    ``known`` are the options that are not ours, such as Django's own.
    """
    left, found = set(known), unmarked(str(parser.description or ""), data)
    for action in parser._actions:
        if not left.isdisjoint(action.option_strings):
            continue
        listed = [action, *getattr(action, "_choices_actions", ())]
        found += [line for each in listed for line in unmarked(PLACE.sub("", str(each.help or "")), data)]
        choices = action.choices if isinstance(action.choices, dict) else {}
        for each in choices.values():
            found += unmarked_in_help(each, data, known=left)
    return found


class _Outside:
    """Cuts out what stands in brackets, from text to text: a sentence may go on behind a tag."""

    def __init__(self, data: Iterable[str]) -> None:
        self._data = sorted(data, key=len, reverse=True)
        self._depth = 0

    def lines(self, text: str) -> list[str]:
        """Return the lines that have words outside."""
        return [line.strip() for line in self._cut(text).splitlines() if _WORD.search(line)]

    def _cut(self, text: str) -> str:
        kept: list[str] = []
        for part in re.split(f"([{OPEN}{CLOSE}])", text):
            self._depth += (part == OPEN) - (part == CLOSE)
            kept += [" "] if part in (OPEN, CLOSE) or self._depth else [part]
        left = "".join(kept)
        for value in self._data:
            left = left.replace(value, " ")
        return left


class _Page(HTMLParser):
    """Collects what a reader of a page sees or hears."""

    def __init__(self, outside: _Outside) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._outside = outside
        self._unshown = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unshown += tag in _UNSHOWN
        given = dict(attrs)
        is_button = tag == "input" and given.get("type") in _BUTTONS
        for name, text in given.items():
            if text and (name in _SHOWN or name.startswith(_SAID_BY_SCRIPTS) or (name == "value" and is_button)):
                self.found += [f"{name}: {line}" for line in self._outside.lines(text)]

    def handle_endtag(self, tag: str) -> None:
        self._unshown -= tag in _UNSHOWN

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.found += self._outside.lines(data)


def _djangos_own() -> Iterator[Catalog]:
    for path in [*_DJANGO.glob("conf/locale/en/*/django.po"), *_DJANGO.glob("contrib/*/locale/en/*/django.po")]:
        with path.open("rb") as file:
            yield read_po(file, locale="en")
