"""The finder of unmarked texts finds them."""

from __future__ import annotations

from argparse import ArgumentParser

import pytest
from django.utils.translation import gettext, gettext_lazy, ngettext, override

from djq_core.models import Task
from djq_core.phrases import Phrase
from tests.languages.catalogues import KEYWORDS, _in_python
from tests.languages.pseudo import LANGUAGE, bracketed, unmarked, unmarked_in_help, unmarked_on


@pytest.mark.usefixtures("in_brackets")
def test_texts_of_ours_and_of_django_are_in_brackets() -> None:
    assert str(Task._meta.verbose_name) == "⟦task⟧"
    assert gettext("Delete") == "⟦Delete⟧"
    text = ngettext("%d task was put back on the queue.", "%d tasks were put back on the queue.", 2)
    assert text % 2 == "⟦⟧2⟦ tasks were put back on the queue.⟧"
    assert Phrase("There is no schedule type {kind!r}.", kind="x").translated() == "⟦There is no schedule type ⟧'x'⟦.⟧"
    with override("de"):
        assert str(gettext_lazy("Scheduled task")) == "Geplante Aufgabe"
    assert LANGUAGE == "xx"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<p>⟦Name⟧: 5 - 3</p>", []),
        ("<p>Name</p>", ["Name"]),
        ("<p>⟦See <a href='somewhere'>the list</a> there⟧</p>", []),
        ("<p>⟦See <a>the list</a>⟧ there</p>", ["there"]),
        ("<p>⟦Queue ⟧⟦of tasks⟧ maple</p>", []),
        ("<p>⟦a ⟧<b>forgotten</b>⟦ b⟧</p>", ["forgotten"]),
        ("<script>var name;</script><style>body {}</style>", []),
        ("<input type='submit' value='Save'><input type='text' value='Text'>", ["value: Save"]),
        ("<a title='Close' aria-label='⟦Close⟧' class='button'>&times;</a>", ["title: Close"]),
        ("<p>&lt;None&gt;</p>", ["<None>"]),
        ("<div data-text-away='Away' data-state='live'></div>", ["data-text-away: Away"]),
    ],
)
def test_what_stands_outside_of_brackets_is_found(page: str, found: list[str]) -> None:
    assert unmarked_on(page, ["maple"]) == found


def test_lines_are_found_in_what_a_command_writes() -> None:
    assert unmarked("⟦NAME⟧  ⟦STATUS⟧\nmaple loaded\n", ["maple"]) == ["loaded"]


def test_an_unmarked_text_does_not_hide_in_a_marked_one() -> None:
    assert unmarked(bracketed("It failed: %(error)s") % {"error": "No way"}) == ["No way"]


def test_the_help_of_options_and_subcommands_is_looked_at() -> None:
    parser = ArgumentParser(description="⟦Do it⟧")
    parser.add_argument("--a", help="first")
    parser.add_argument("--b", help=bracketed("%(default)s by default"), default=3)
    parser.add_argument("--verbosity", help="Django's")
    below = parser.add_subparsers()
    below.add_parser("x", help="second", description="third").add_argument("y", help="fourth")
    found = unmarked_in_help(parser, known=["--verbosity", "--help"])
    assert found == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('_("a" "b")', [("ab", None)]),
        ("f\"{_('a')}: {x}\"", [("a", None)]),
        ('ngettext("a", "b", n)', [(("a", "b"), None)]),
        ('pgettext("c", "a")', [("a", "c")]),
        ('npgettext_lazy("c", "a", "b", n)', [(("a", "b"), "c")]),
        ('translation.gettext("a")', [("a", None)]),
        ('Phrase("{a}", a=_("b"))', [("{a}", None), ("b", None)]),
        ("_(x), gettext(), other('a')", []),
    ],
)
def test_marked_texts_are_found_in_python(source: str, texts: list[object]) -> None:
    assert list(_in_python(source)) == texts
    assert "Phrase" in KEYWORDS
