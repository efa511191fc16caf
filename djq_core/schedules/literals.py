"""The arguments of a schedule: texts of Python literals, parsed and never evaluated (manual 1.8.4)."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from djq_core.phrases import Phrase


def read_args(text: str | None) -> tuple[Any, ...]:
    """Return the values of ``"2, -2"``; raise ValueError naming what is no literal."""
    call = _parse(text)
    if call.keywords:
        raise ValueError(
            Phrase("The arguments {text!r} hold a keyword; it belongs to the keyword arguments.", text=text)
        )
    return tuple(_literal(value) for value in call.args)


def read_kwargs(text: str | None) -> dict[str, Any]:
    """Return the values of ``"a=1, b='x'"``, or of a dictionary literal; raise ValueError naming what is no literal."""
    call = _parse(text)
    if len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.Dict):
        named = dict(_literal(call.args[0]))
        if all(isinstance(name, str) for name in named):
            return named
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise ValueError(Phrase("The keyword arguments {text!r} must have the form name=value.", text=text))
    if len({keyword.arg for keyword in call.keywords}) < len(call.keywords):
        raise ValueError(Phrase("The keyword arguments {text!r} hold a name twice.", text=text))
    return {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}


def write_args(args: Sequence[Any]) -> str:
    """Return the text that :func:`read_args` reads; raise TypeError naming the argument that no literal can be."""
    return ", ".join(_written(f"Argument {number}", value) for number, value in enumerate(args, start=1))


def write_kwargs(kwargs: Mapping[str, Any]) -> str:
    """Return the text that :func:`read_kwargs` reads; raise TypeError naming the argument that no literal can be."""
    texts = {name: _written(f"Argument {name!r}", value) for name, value in kwargs.items()}
    plain = ", ".join(f"{name}={text}" for name, text in texts.items())
    try:
        if read_kwargs(plain) == kwargs:
            return plain
    except ValueError:  # a name that is no identifier
        pass
    return "{" + ", ".join(f"{name!r}: {text}" for name, text in texts.items()) + "}"


def _written(what: str, value: Any) -> str:
    text = f"a {type(value).__name__}"
    try:
        text = repr(value)
        if _is_same(_literal(ast.parse(text, mode="eval").body), value):
            return text
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    raise TypeError(
        f"{what} of a schedule must be a Python literal (text, number, bytes, tuple, list, dictionary, set, True, "
        f"False, None), not {text[:200]}."
    )


def _is_same(read: Any, value: Any) -> bool:
    """Are two values equal, and all in them of the same types?"""
    if type(read) is not type(value):
        return False
    if isinstance(value, dict):
        return _is_same([*read.items()], [*value.items()])
    if isinstance(value, list | tuple):
        return len(read) == len(value) and all(map(_is_same, read, value))
    if isinstance(value, set):
        return read == value and {*map(type, read)} == {*map(type, value)}
    return bool(read == value)


def _parse(text: str | None) -> ast.Call:
    try:
        body = ast.parse(f"f({(text or '').strip()}\n)", mode="eval").body
    except SyntaxError as error:
        raise ValueError(Phrase("{text!r} cannot be read: {error}.", text=text, error=error.msg)) from error
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name)):
        raise ValueError(Phrase("{text!r} is not a list of arguments.", text=text))
    return body


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        text = ast.unparse(node)
        if isinstance(node, ast.Name):
            raise ValueError(
                Phrase("{text!r} is not a Python literal. A text stands in quotes: '{text}'.", text=text)
            ) from error
        raise ValueError(Phrase("{text!r} is not a Python literal.", text=text)) from error
