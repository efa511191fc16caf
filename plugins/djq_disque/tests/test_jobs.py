"""Bodies with their marks, and receipts."""

from __future__ import annotations

import pytest

from djq_core.exceptions import BrokerError
from djq_disque.jobs import Mark, opened, sealed
from djq_disque.receipts import Receipt

ID = "D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1"


@pytest.mark.parametrize("package", ["text", b"\xff\x00", "", "\x00djq 1 2\x00text", b"\x00djq \xff", "\x00djq x"])
@pytest.mark.parametrize("mark", [Mark(), Mark(3, 0), Mark(0, 12)])
def test_a_package_comes_out_of_its_body_as_it_went_in(package: str | bytes, mark: Mark) -> None:
    assert opened(sealed(package, mark)) == (package, mark)


def test_a_package_that_was_sent_once_is_the_body() -> None:
    assert sealed("signed:text") == b"signed:text"


@pytest.mark.parametrize("body", [b"\x00djq 1\x00text", b"\x00djq a b\x00text", b"\x00djq 9999999999 1\x00text"])
def test_what_another_program_has_sent_is_a_package_as_it_stands(body: bytes) -> None:
    assert opened(body) == (body.decode(), Mark())


@pytest.mark.parametrize("receipt", [Receipt(ID, "127.0.0.1:7711", 2, 3), Receipt(ID, "[::1]:7711"), Receipt(ID, "")])
def test_a_receipt_is_a_text(receipt: Receipt) -> None:
    assert Receipt.read(str(receipt)) == receipt


def test_an_id_is_a_receipt_of_any_node() -> None:
    assert Receipt.read(ID) == Receipt(ID, "", 0, 0)


@pytest.mark.parametrize("text", ["", "17", f"{ID}@a:1", f"{ID}@a:1#x.y", ID[:-1], f"x{ID}"])
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(BrokerError, match="no receipt of the Disque broker"):
        Receipt.read(text)
