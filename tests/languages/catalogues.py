"""What the code marks for translation, and the catalogues of each distribution: read, brought up to date, compiled.

``make messages`` runs this module. It needs no gettext tools: Python parses Python, Babel reads what Django makes of
its templates, and keeps the files. These name no lines and carry no dates, so that they change only with a text.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = ("de", "fr")
TEMPLATES: Final = frozenset({".html", ".txt"})
#: The functions that mark a text, and where in their arguments it stands; ``c`` is a context.
KEYWORDS: Final[Mapping[str, Any]] = {
    "Phrase": None,
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
#: What Babel writes into a header and nobody needs.
UNKEPT: Final = (
    "Project-Id-Version",
    "Report-Msgid-",
    "POT-Creation",
    "PO-Revision",
    "Last-Tr",
    "Language-Team",
    "Gen",
)

Key = tuple[str | None, str]


def packages() -> list[Path]:
    """Return the folder of each distribution's package that marks texts."""
    found = [ROOT / "djq_core", *sorted((ROOT / "plugins").glob("[!_]*/djq_*"))]
    return [package for package in found if package.is_dir() and len(template(package))]


@cache
def template(package: Path) -> Catalog:
    """Return the texts that a package marks, untranslated; not to be changed."""
    catalog = Catalog(fuzzy=False)
    for path in sorted(each for each in package.rglob("*") if "migrations" not in each.parts):
        for text, context in _texts(path):
            catalog.add(text, locations=[(path.relative_to(package.parent).as_posix(), 0)], context=context)
    return catalog


def file_of(package: Path, language: str) -> Path:
    """Return where the catalogue of a package lies."""
    return package / "locale" / language / "LC_MESSAGES" / "django.po"


def read(path: Path) -> Catalog:
    """Return a catalogue as it lies there; where there is none an empty one with the head of the core's."""
    language = path.parent.parent.name
    head = file_of(ROOT / "djq_core", language)
    with (path if path.exists() else head).open("rb") as file:
        catalog = read_po(file, locale=language)
    if not path.exists():
        for context, text in messages(catalog):
            catalog.delete(text, context)
    return catalog


def updated(package: Path, language: str) -> Catalog:
    """Return the catalogue with the package's texts of now: new ones untranslated, those that are gone left out."""
    catalog = read(file_of(package, language))
    catalog.update(template(package), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """Return the bytes of the ``.mo`` file; what has no translation is not in it."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def translations(mo: bytes) -> dict[Any, str]:
    """Return what stands in a ``.mo`` file, but for its header."""
    content: dict[Any, str] = vars(GNUTranslations(BytesIO(mo)))["_catalog"]
    return {key: text for key, text in content.items() if key}


def messages(catalog: Catalog) -> dict[Key, Message]:
    """Return the messages by context and English text; of a plural by its singular."""
    return {key(message): message for message in catalog if message.id}


def key(message: Message) -> Key:
    """Return what a message is looked up by."""
    return message.context, forms(message.id)[0]


def forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the forms of a text: one, or that of each plural."""
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def is_translated(message: Message) -> bool:
    """Does every form have a translation?"""
    return all(forms(message.string)) and not message.fuzzy


def write(catalog: Catalog, path: Path) -> None:
    """Write a catalogue, and compile it beside itself where that changes what is in it."""
    file = BytesIO()
    write_po(file, catalog, width=100, include_lineno=False, sort_output=True, ignore_obsolete=True)
    lines = file.getvalue().decode().splitlines(keepends=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in UNKEPT))))
    mo, binary = path.with_suffix(".mo"), compiled(catalog)
    if not mo.exists() or translations(mo.read_bytes()) != translations(binary):
        mo.write_bytes(binary)


def _texts(path: Path) -> Iterator[tuple[Any, str | None]]:
    """Yield the marked texts of a file, each with its context."""
    if path.suffix == ".py":
        source = path.read_text()
        if "gettext" in source or "Phrase" in source:
            yield from _in_python(source)
        if path.name == "exceptions.py":
            yield from ((text, None) for text in _default_messages(source))
    elif path.suffix in TEMPLATES:
        lines = [line.lstrip() for line in templatize(path.read_text()).splitlines()]
        for _line, text, _comments, context in extract("python", BytesIO("\n".join(lines).encode()), KEYWORDS):
            yield text, context


def _in_python(source: str) -> Iterator[tuple[Any, str | None]]:
    """Yield what stands in the calls of the functions that mark, those in f-strings among them."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = str(getattr(call.func, "attr", None) or getattr(call.func, "id", ""))
        given = [str(each.value) for each in call.args if isinstance(each, ast.Constant)]
        has_context = name.startswith(("pgettext", "npgettext"))
        count = 2 if name.startswith(("ngettext", "npgettext")) else 1
        if name in KEYWORDS and len(given) >= count + has_context:
            context = given.pop(0) if has_context else None
            yield tuple(given[:2]) if count > 1 else given[0], context


def _default_messages(source: str) -> Iterator[str]:
    """Yield the docstrings of errors, which are their default messages."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and "BaseException" not in map(ast.unparse, node.bases):
            yield ast.get_docstring(node) or ""


def main() -> int:
    """Bring every catalogue up to date; name what has no translation and return 1 where there is any."""
    missing = 0
    for package in packages():
        for language in LANGUAGES:
            path, catalog = file_of(package, language), updated(package, language)
            write(catalog, path)
            left = [text for (_, text), message in messages(catalog).items() if not is_translated(message)]
            missing += len(left)
            sys.stdout.write(f"{path.relative_to(ROOT)}: {len(catalog)} texts, {len(left)} without a translation\n")
            sys.stdout.writelines(f"    {text}\n" for text in left)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
