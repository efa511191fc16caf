"""The catalogues are complete, agree with the code, and are compiled."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from djq_core.management.terminal.words import clean
from tests.languages.catalogues import (
    KEYWORDS,
    LANGUAGES,
    compiled,
    file_of,
    forms,
    is_translated,
    key,
    messages,
    packages,
    read,
    template,
    translations,
)
from tests.languages.pseudo import PLACE

CATALOGUES = [(package, language) for package in packages() for language in LANGUAGES]
TAG = re.compile(r"</?[a-z][^<>]*>|&\w+;")
each_catalogue = pytest.mark.parametrize(
    ("package", "language"), CATALOGUES, ids=[f"{package.name}-{language}" for package, language in CATALOGUES]
)


def of(package: Path, language: str) -> list[Message]:
    return list(messages(read(file_of(package, language))).values())


def marks(text: str) -> Counter[str]:
    """Count what a translation must have as the text does: places for values, and tags."""
    return Counter(PLACE.findall(text)) + Counter(TAG.findall(text))


def test_the_core_and_its_queue_have_catalogues() -> None:
    assert {"djq_core", "djq_orm"} <= {package.name for package in packages()}


@each_catalogue
def test_a_catalogue_has_the_texts_of_the_code_and_no_others(package: Path, language: str) -> None:
    catalogue = read(file_of(package, language))
    said = {key(message): forms(message.id) for message in catalogue if message.id}
    assert said == {key(message): forms(message.id) for message in template(package) if message.id}, "make messages"
    assert not catalogue.obsolete


@each_catalogue
def test_every_text_is_translated_in_all_its_forms(package: Path, language: str) -> None:
    plurals = read(file_of(package, language)).num_plurals
    assert [message.id for message in of(package, language) if not is_translated(message)] == []
    for message in of(package, language):
        assert len(forms(message.string)) == (plurals if message.pluralizable else 1), message.id


@each_catalogue
def test_a_translation_has_the_places_and_tags_of_its_text(package: Path, language: str) -> None:
    for message in of(package, language):
        wanted = [marks(form) for form in forms(message.id)]
        assert all(marks(form) in wanted for form in forms(message.string)), message.id


@each_catalogue
def test_a_translation_ends_and_begins_as_its_text(package: Path, language: str) -> None:
    for message in of(package, language):
        english = forms(message.id)[0]
        for form in forms(message.string):
            assert (form[0].isspace(), form[-1].isspace()) == (english[0].isspace(), english[-1].isspace()), english
            assert (form[-1] in ".:…") == (english[-1] in ".:…"), english


@each_catalogue
def test_a_terminal_shows_a_translation_as_it_is_written(package: Path, language: str) -> None:
    for message in of(package, language):
        for form in forms(message.string):
            assert clean(form.replace("\n", " ")) == form.replace("\n", " ")


@each_catalogue
def test_what_is_compiled_is_what_is_written(package: Path, language: str) -> None:
    path = file_of(package, language)
    assert translations(path.with_suffix(".mo").read_bytes()) == translations(compiled(read(path))), "make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_said_alike_everywhere(language: str) -> None:
    said: dict[object, set[tuple[str, ...]]] = {}
    for package in packages():
        for message in of(package, language):
            said.setdefault(key(message), set()).add(forms(message.string))
    assert [text for text, ways in said.items() if len(ways) > 1] == []


@each_catalogue
def test_a_catalogue_changes_only_with_a_text(package: Path, language: str) -> None:
    text = file_of(package, language).read_text()
    assert not re.search(r"^#: .*:\d", text, re.MULTILINE)
    assert "-Date:" not in text
    assert text.startswith("# ")
    assert "Glossary" in text.partition('msgid ""')[0]


def test_what_is_marked_is_a_text_and_not_made_of_parts() -> None:
    for path in (path for package in packages() for path in package.rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) in KEYWORDS:
                made = [each for each in call.args if isinstance(each, ast.JoinedStr | ast.BinOp)]
                assert not made, f"{path}: {ast.unparse(call)}"


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_french_is_set_as_french(package: Path) -> None:
    for message in of(package, "fr"):
        for form in forms(message.string):
            assert not re.search(r" [:;?!]|[a-z]'[a-zé]", form), f"a no-break space, or an apostrophe: {form}"


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_no_sentence_is_the_same_in_two_languages(package: Path) -> None:
    german, french = (messages(read(file_of(package, language))) for language in LANGUAGES)
    english = [key for key in german if german[key].string == french[key].string]
    assert [text for _, text in english if text.endswith(".") or text.startswith(".")] == []
