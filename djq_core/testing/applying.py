"""Which tests of a contract apply to a class; the others are not collected, and the report names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard, TypeVar

import pytest

from djq_core.testing.contract import Contract

Test = TypeVar("Test", bound=Callable[..., object])

_CONDITIONS: Final = "djq_conditions"


def needs(*flags: str) -> Callable[[Test], Test]:
    """Let a test apply to classes that declare all of these."""
    return _on_condition(*(("needs", flag) for flag in flags))


def lacks(flag: str) -> Callable[[Test], Test]:
    """Let a test apply to classes that do not declare this."""
    return _on_condition(("lacks", flag))


def given(fixture: str) -> Callable[[Test], Test]:
    """Let a test apply where the author gives a fixture that may be left out."""
    return _on_condition(("given", fixture))


def unmet(contract: type[Contract], test: object) -> str | None:
    """Return why a test does not apply to what a contract's subclass tests, None where it does."""
    conditions = getattr(test, _CONDITIONS, ())
    return next(filter(None, (_unmet(contract, kind, name) for kind, name in conditions)), None)


def applies(item: pytest.Item) -> bool:
    """Tell whether a test is to be run; any that belongs to no contract is."""
    contract = getattr(item, "cls", None)
    return not is_contract(contract) or unmet(contract, getattr(item, "function", None)) is None


def is_contract(contract: object) -> TypeGuard[type[Contract]]:
    """Tell whether a class of tests holds a class to a contract."""
    return isinstance(contract, type) and issubclass(contract, Contract) and contract.subject() is not None


def not_applying(contract: type[Contract]) -> Mapping[str, str]:
    """Return the tests that do not apply, each with the reason."""
    tests = (name for name in dir(contract) if name.startswith("test_"))
    found = {name: unmet(contract, getattr(contract, name)) for name in tests}
    return {name: reason for name, reason in found.items() if reason is not None}


def _on_condition(*conditions: tuple[str, str]) -> Callable[[Test], Test]:
    def note(test: Test) -> Test:
        setattr(test, _CONDITIONS, (*getattr(test, _CONDITIONS, ()), *conditions))
        return test

    return note


def _unmet(contract: type[Contract], kind: str, name: str) -> str | None:
    if kind == "given":
        return None if _is_given(contract, name) else f"the fixture {name!r} is not given"
    subject: Any = contract.subject()
    if bool(getattr(subject, name)) is (kind == "needs"):
        return None
    return f"{subject.__name__} {'does not declare' if kind == 'needs' else 'declares'} {name}"


def _is_given(contract: type[Any], fixture: str) -> bool:
    owner = next(each for each in contract.__mro__ if fixture in vars(each))
    return owner.__module__.rpartition(".")[0] != __package__
