"""Packages that are too large for a message lie in one of Django's storages."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import override_settings

from djq_core.exceptions import BrokerError
from djq_sqs import bodies
from djq_sqs.broker import SqsBroker, SqsClaimsBroker
from djq_sqs.receipts import Receipt
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services import gateway
from tests.services.gateway import Gateway

LARGE = "x" * 1_500_000
SQS = {"claim_check": "claims"}


class Moody(FileSystemStorage):
    """A storage that fails as long as a file named ``away`` lies in it."""

    def _raise(self) -> None:
        if Path(self.location, "away").exists():
            raise ConnectionError("the storage is away")

    def _save(self, name: str, content: Any) -> str:
        self._raise()
        return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._raise()
        return super()._open(name, mode)

    def delete(self, name: str) -> None:
        self._raise()
        super().delete(name)


class Slow(FileSystemStorage):
    """A storage that takes its time."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        time.sleep(0.8)
        return super()._open(name, mode)


class Renaming(FileSystemStorage):
    """A storage that names its files itself."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return super().get_available_name(f"{name}-mine", max_length)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give the folder of the storages."""

    def entry(kind: type[FileSystemStorage]) -> dict[str, Any]:
        return {"BACKEND": f"{__name__}.{kind.__name__}", "OPTIONS": {"location": str(tmp_path / "claims")}}

    (tmp_path / "claims").mkdir()
    with override_settings(STORAGES={"claims": entry(Moody), "renaming": entry(Renaming), "slow": entry(Slow)}):
        yield tmp_path / "claims"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_large_package_takes_the_way_over_the_storage(
    folder: Path, make_broker: MakeBroker, sqs_gateway: Gateway
) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    broker.enqueue_many([LARGE, "small", b"\xff" * 1_500_000])
    assert [path.stat().st_size for path in files(folder)] == [1_500_000] * 2
    taken = {len(each.package): each for each in broker.receive(10, 1)}
    assert sorted(taken) == [5, 1_500_000] or len(taken) == 2
    deliveries = [*taken.values(), *broker.receive(10, 0)]
    assert {type(each.package) for each in deliveries} <= {str, bytes}
    (entries,) = [each["Entries"] for each in sqs_gateway.asked("SendMessageBatch")]
    assert sum(len(entry["MessageBody"]) for entry in entries) < 200


def test_the_file_goes_with_the_acknowledgement_and_not_before(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    broker.enqueue(LARGE)
    (first,) = broker.receive(1, 1)
    broker.release([str(first.receipt)])
    (again,) = broker.receive(1, 1)
    assert again.package == LARGE
    assert len(files(folder)) == 1
    broker.acknowledge(str(again.receipt))
    assert files(folder) == []
    assert broker.queue_size() + broker.lock_size() == 0


def test_the_limit_may_be_lower(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs={**SQS, "claim_check_over": 100})
    broker.enqueue_many(["x" * 100, "y" * 101])
    assert len(files(folder)) == 1


def test_nothing_is_sent_that_could_not_be_stored(folder: Path, make_broker: MakeBroker) -> None:
    (folder / "away").touch()
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    with pytest.raises(
        BrokerError, match=r"1,500,000 bytes cannot be written to STORAGES\['claims'\].*storage is away"
    ):
        broker.enqueue(LARGE)
    assert broker.queue_size() == 0


def test_a_storage_that_names_its_files_itself_is_refused(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs={"claim_check": "renaming"})
    with pytest.raises(BrokerError, match="does not keep the names"):
        broker.enqueue(LARGE)


def test_what_sqs_refuses_leaves_no_file(folder: Path, make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    sqs_gateway.fail("SendMessage", gateway.refusal("AccessDenied", "no", 403))
    with pytest.raises(BrokerError):
        broker.enqueue(LARGE)
    sqs_gateway.fail("SendMessageBatch", gateway.failing(0, code="InvalidMessageContents", is_ours=True))
    with pytest.raises(BrokerError):
        broker.enqueue_many([LARGE, "small"])
    assert files(folder) == []


@pytest.mark.parametrize("fault", ["nobody listens", "the answer is lost"])
def test_what_sqs_may_have_taken_keeps_its_file(
    folder: Path, make_broker: MakeBroker, sqs_gateway: Gateway, fault: str
) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    broker.enqueue("small")
    if fault == "nobody listens":
        sqs_gateway.kill()
    else:
        sqs_gateway.fail("SendMessage", gateway.lost_answer)
    with pytest.raises(BrokerError):
        broker.enqueue(LARGE)
    assert len(files(folder)) == (fault == "the answer is lost")


def test_a_storage_that_is_away_leaves_the_task_on_the_queue(
    folder: Path, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS, lease=1)
    broker.enqueue(LARGE)
    (folder / "away").touch()
    assert broker.receive(1, 0) == []
    assert "A package cannot be read from STORAGES['claims'] now: the storage is away" in caplog.text
    (folder / "away").unlink()
    (delivery,) = broker.receive(1, 3)
    assert delivery.package == LARGE
    (folder / "away").touch()
    broker.acknowledge(str(delivery.receipt))
    assert "stays in STORAGES['claims']: the storage is away" in caplog.text
    assert broker.queue_size() + broker.lock_size() == 0


def test_a_slow_storage_makes_no_lease_longer(
    folder: Path, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    sqs = {"claim_check": "slow", "claim_check_over": 100}
    slow, other = (make_broker(SqsClaimsBroker, sqs=sqs, lease=lease) for lease in (2, 30))
    slow.enqueue_many([f"{number}{'x' * 200}" for number in range(4)])
    held = slow.receive(10, 1)
    taken = other.receive(10, 1)
    assert not {each.package for each in held} & {each.package for each in taken}
    assert "STORAGES['slow'] is slow: 4 leases were over before all was read" in caplog.text


def test_what_takes_less_than_its_lease_has_a_whole_one(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs={"claim_check": "slow", "claim_check_over": 100}, lease=2)
    broker.enqueue("x" * 200)
    (held,) = broker.receive(1, 1)
    assert Receipt.from_text(str(held.receipt)).until - time.time() > 1.9


def test_what_a_storage_did_not_give_is_no_attempt(folder: Path, make_broker: MakeBroker) -> None:
    """Else a storage that is away for a while would use up ``max_deliveries``, and the task be given up unrun."""
    broker = make_broker(SqsClaimsBroker, sqs=SQS, lease=1)
    broker.enqueue(LARGE)
    (folder / "away").touch()
    for _ in range(2):
        assert broker.receive(1, 1.3) == []
    (folder / "away").unlink()
    (delivery,) = broker.receive(1, 3)
    assert (delivery.count, delivery.unanswered) == (1, 1)


def test_a_file_that_is_gone_is_a_package_that_cannot_be_read(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    broker.enqueue(LARGE)
    (file,) = files(folder)
    file.unlink()
    (delivery,) = broker.receive(1, 1)
    assert delivery.package == bodies.claim(file.name)


def test_a_forged_claim_that_cannot_be_read_deletes_no_file(folder: Path, make_broker: MakeBroker) -> None:
    broker = make_broker(SqsClaimsBroker, sqs=SQS)
    broker.enqueue(LARGE)
    (delivery,) = broker.receive(1, 1)
    broker.fail(str(delivery.receipt))
    assert len(files(folder)) == 1
    assert broker.lock_size() == 0


def test_without_the_key_the_task_is_left_for_those_who_have_it(
    folder: Path, make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    make_broker(SqsClaimsBroker, sqs=SQS).enqueue(LARGE)
    with caplog.at_level(logging.ERROR, "djq"):
        assert make_broker(SqsBroker, lease=1).receive(1, 0) == []
    assert "Q_CLUSTER['sqs'] has no 'claim_check'" in caplog.text
    (delivery,) = make_broker(SqsClaimsBroker, sqs=SQS).receive(1, 3)
    assert delivery.package == LARGE
