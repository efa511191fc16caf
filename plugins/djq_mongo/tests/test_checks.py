"""What ``manage.py check`` says of the keys, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import WARNING

from djq_mongo.plugin import djq_check
from tests.conf.making import conf

URI = "mongodb://mongo.invalid/"


@pytest.mark.parametrize(
    ("mongo", "codes"),
    [
        ({}, []),
        ({"w": "majority", "journal": True}, []),
        (f"{URI}?w=majority&journal=true", []),
        ({"w": 1}, ["djq_mongo.W001"]),
        (f"{URI}?w=1", ["djq_mongo.W001"]),
        ({"host": f"{URI}?w=1", "w": "majority"}, []),
        ({"journal": False}, ["djq_mongo.W001"]),
        (f"{URI}?journal=false", ["djq_mongo.W001"]),
        ({"readPreference": "secondary"}, ["djq_mongo.W002"]),
        (f"{URI}?readconcernlevel=local&w=2", ["djq_mongo.W001", "djq_mongo.W002"]),
        ("mongodb+srv://mongo.invalid/?w=1", ["djq_mongo.W001"]),
    ],
)
def test_what_promises_less_or_does_nothing_is_a_warning(mongo: object, codes: list[str]) -> None:
    found = djq_check(conf({"mongo": mongo}))
    assert [(message.id, message.level) for message in found] == [(code, WARNING) for code in codes]


def test_it_says_what_to_do() -> None:
    weak, idle = djq_check(conf({"mongo": {"w": 1, "readPreference": "secondary"}}))
    assert (weak.msg, weak.hint) == (
        "A task is accepted with w=1: a fail-over may lose it.",
        "Leave 'w' out of Q_CLUSTER['mongo']; the default is 'majority'.",
    )
    assert idle.msg == "'readPreference' in Q_CLUSTER['mongo'] has no effect: a queue is read from the primary."


@pytest.mark.parametrize("keys", [{"redis": {}}, {"broker": "mongo"}, {"mongo_db": "queues"}])
def test_nothing_is_said_of_another_broker_or_without_parameters(keys: dict[str, Any]) -> None:
    assert list(djq_check(conf(keys))) == []
