"""What a broker's receipt stands for."""

from __future__ import annotations

import pytest

from djq_core.brokers import Lease
from djq_core.exceptions import BrokerError


@pytest.mark.parametrize("lease", [Lease("17", "5f0c"), Lease("17", "5f:0c")])
def test_a_receipt_is_read_as_what_it_was_made_of(lease: Lease) -> None:
    assert Lease.from_receipt(str(lease), "Acme") == lease


def test_a_receipt_is_the_id_and_the_token() -> None:
    assert str(Lease("17", "5f0c")) == "17:5f0c"


@pytest.mark.parametrize("text", ["", "17", ":5f0c", "17:", "x:5f0c"])
def test_what_is_no_receipt_is_told(text: str) -> None:
    with pytest.raises(BrokerError, match=rf"^'{text}' is no receipt of the Acme broker; one looks like '<id>:<tok"):
        Lease.from_receipt(text, "Acme")


def test_a_broker_says_what_its_ids_look_like() -> None:
    assert Lease.from_receipt("a-1:5f0c", "Acme", lambda id: id.startswith("a-")) == Lease("a-1", "5f0c")
    with pytest.raises(BrokerError, match="is no receipt"):
        Lease.from_receipt("1:5f0c", "Acme", lambda id: id.startswith("a-"))
