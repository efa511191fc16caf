"""Dropped tests: by name, with a reason, and seen."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.brokers.memory import MemoryBroker
from djq_core.testing import BrokerContract

NAME = "test_an_empty_queue_gives_an_empty_list"


def contract(**attributes: Any) -> type[BrokerContract]:
    return type("Own", (BrokerContract,), {"broker_class": MemoryBroker, **attributes})


def test_a_dropped_test_skips_with_its_reason() -> None:
    (mark,) = getattr(contract(dropped={NAME: "not here"}), NAME).pytestmark
    assert (mark.name, mark.kwargs) == ("skip", {"reason": "dropped: not here"})
    assert not hasattr(getattr(contract(), NAME), "pytestmark")


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_reason_must_be_written(reason: str | None) -> None:
    with pytest.raises(TypeError, match=rf"Own\.dropped gives no reason for '{NAME}'"):
        contract(dropped={NAME: reason})


@pytest.mark.parametrize("name", ["test_nothing", "make_broker", "broker_class"])
def test_only_a_test_can_be_dropped(name: str) -> None:
    with pytest.raises(TypeError, match=rf"names '{name}', which is no test of the contract"):
        contract(dropped={name: "a reason"})


def test_a_test_cannot_be_hidden() -> None:
    with pytest.raises(TypeError, match=rf"hides '{NAME}': drop it"):
        contract(**{NAME: None})
