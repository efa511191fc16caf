"""More brokers with one fault each: answers, counts, statistics, and what is not declared."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package
from djq_core.brokers.memory import Memory, MemoryBroker
from djq_core.exceptions import BrokerError
from tests.testing.mutants import FOUND_BY, found_by

__all__ = ["FOUND_BY"]


@found_by("test_a_package_comes_out_as_it_went_in")
class AddsALine(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(f"{package}\n" if isinstance(package, str) else package)


@found_by("test_a_closed_broker_connects_anew")
class ClosesForGood(MemoryBroker):
    is_open = True

    def close(self) -> None:
        self.is_open = False

    def receive(self, count: int, wait: float) -> list[Delivery]:
        if not self.is_open:
            raise BrokerError("I am closed.")
        return super().receive(count, wait)


@found_by("test_a_package_is_delivered_once")
class ForgetsThatItDelivered(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        taken = super().receive(count, wait)
        super().release([str(each.receipt) for each in taken], counted=False)
        return taken


@found_by("test_deleting_and_purging_nothing_is_no_error")
class MissesItsQueue(MemoryBroker):
    def delete_queue(self) -> None:
        if not self.queue_size() + self.lock_size():
            raise BrokerError("There is no such queue.")
        super().delete_queue()


@found_by("test_no_packages_are_nothing_to_send")
class SendsAtLeastOne(MemoryBroker):
    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        return super().enqueue_many(packages or [""])


@found_by("test_the_manuals_name_sends_too")
class ForgetsTheManualsName(MemoryBroker):
    def async_task(self, task: Package) -> str | None:
        return None


@found_by("test_the_server_is_there_and_has_a_name")
class HasNoName(MemoryBroker):
    def info(self) -> str:
        return ""


@found_by("test_tracking_ids_differ")
class NamesPackagesByTheirText(MemoryBroker):
    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        super().enqueue_many(packages)
        return [str(package) for package in packages]


@found_by("test_dequeue_gives_pairs")
class GivesDeliveries(MemoryBroker):
    def dequeue(self) -> list[tuple[str | None, Package]]:
        return self.receive(1, 0)  # type: ignore[return-value]


@found_by("test_a_held_package_can_be_deleted")
class DeletesWhatWaitsOnly(MemoryBroker):
    def delete(self, id: str) -> None:
        if id.isdecimal():
            super().delete(id)


@found_by("test_another_broker_may_acknowledge")
class AnswersForItsOwnOnly(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self.mine: set[str] = set()

    def receive(self, count: int, wait: float) -> list[Delivery]:
        taken = super().receive(count, wait)
        self.mine.update(str(each.receipt) for each in taken)
        return taken

    def acknowledge(self, id: str) -> None:
        if id in self.mine:
            super().acknowledge(id)


@found_by("test_the_id_of_dequeue_acknowledges")
class DequeuesNumbers(MemoryBroker):
    def dequeue(self) -> list[tuple[str | None, Package]]:
        return [(f"{str(receipt).partition(':')[0]}:0", package) for receipt, package in super().dequeue()]


@found_by("test_answering_for_nothing_is_no_error")
class InsistsOnBeingAsked(MemoryBroker):
    def acknowledge_many(self, ids: Sequence[str]) -> None:
        if not ids:
            raise BrokerError("Acknowledge what?")
        super().acknowledge_many(ids)


@found_by("test_each_package_has_its_own_count")
class CountsForTheQueue(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self.counter = itertools.count(1)

    def receive(self, count: int, wait: float) -> list[Delivery]:
        return [Delivery(each.receipt, each.package, next(self.counter)) for each in super().receive(count, wait)]


@found_by("test_no_call_gives_more_than_the_most")
class GivesMoreThanItsMost(MemoryBroker):
    max_bulk = 3

    def receive(self, count: int, wait: float) -> list[Delivery]:
        return super().receive(count + 1, wait)


@found_by("test_a_lapsed_lease_makes_it_wait_again")
class CountsLapsedLeasesAsHeld(MemoryBroker):
    def lock_size(self) -> int:
        return sum(item.token is not None for item in self.memory.queue(self.list_key).values())


@found_by("test_a_released_lease_is_lost")
class KeepsWhatItReleases(MemoryBroker):
    released: set[str]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        self.released = set(receipts)
        super().release(receipts, delay=delay, counted=counted)

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        held = super().extend(receipts, seconds)
        return [receipt if receipt in self.released else each for receipt, each in zip(receipts, held, strict=True)]


@found_by("test_a_lease_can_be_extended_again_and_again")
class ExtendsOnce(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self.extended: set[str] = set()

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        new = [receipt for receipt in receipts if receipt not in self.extended]
        self.extended.update(new)
        super().extend(new, seconds)
        return list(receipts)


@found_by("test_a_late_answer_among_others_spoils_none")
class StopsAtALateAnswer(MemoryBroker):
    def acknowledge_many(self, ids: Sequence[str]) -> None:
        if all(self.memory.held(self.list_key, ids)):
            super().acknowledge_many(ids)


class _Statistics(MemoryBroker):
    shares_stats = True

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> Memory:
        memory = super().read_options(keys)
        memory.stats = {}  # type: ignore[attr-defined]
        return memory

    @property
    def stats(self) -> dict[str, str]:
        found: dict[str, str] = self.memory.stats  # type: ignore[attr-defined]
        return found

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        self.stats[key] = text

    def get_stats(self, prefix: str) -> list[str]:
        return [text for key, text in self.stats.items() if key.startswith(prefix)]


@found_by("test_statistics_are_shared")
class KeepsStatisticsByQueue(_Statistics):
    def put_stat(self, key: str, text: str, seconds: float) -> None:
        super().put_stat(f"{self.list_key}:{key}", text, seconds)


@found_by("test_statistics_survive_the_purge_of_a_queue")
class PurgesStatistics(_Statistics):
    def purge_queue(self) -> None:
        super().purge_queue()
        self.stats.clear()


@found_by("test_no_statistics_are_an_empty_list")
class GivesNoStatisticsAsNone(_Statistics):
    def get_stats(self, prefix: str) -> list[str]:
        return super().get_stats(prefix) or None  # type: ignore[return-value]


# What is not declared


class _Plain(MemoryBroker):
    """A broker without receipts, as it should be."""

    supports_receipts = supports_leases = supports_delay = fences_receipts = counts_deliveries = False

    def receive(self, count: int, wait: float) -> list[Delivery]:
        taken = super().receive(count, wait)
        super().acknowledge_many([str(each.receipt) for each in taken])
        return [Delivery(None, each.package) for each in taken]

    def acknowledge(self, id: str) -> None:
        if ":" in id:
            super().acknowledge(id)

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        Broker.release(self, receipts, delay=delay, counted=counted)


@found_by("test_without_receipts_answers_do_nothing")
class RefusesAnswers(_Plain):
    def acknowledge(self, id: str) -> None:
        MemoryBroker.acknowledge(self, id)


@found_by("test_without_receipts_nothing_is_held")
class HoldsUndeclared(_Plain):
    def lock_size(self) -> int:
        return 1


@found_by("test_without_receipts_nothing_is_released")
class ReleasesUndeclared(_Plain):
    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        pass


@found_by("test_without_receipts_nothing_else_is_claimed")
class ClaimsLeasesOfNothing(_Plain):
    supports_leases = True


@found_by("test_without_statistics_they_are_refused")
class SharesUndeclared(_Statistics):
    shares_stats = False


@found_by("test_without_transactions_there_is_no_database")
class HasADatabaseUndeclared(MemoryBroker):
    @property
    def database(self) -> str | None:
        return "default"


@found_by("test_transactions_have_a_database")
class NamesNoDatabase(MemoryBroker):
    supports_transactions = True


class _SendsAtOnce(MemoryBroker):
    supports_transactions = True

    @property
    def database(self) -> str | None:
        return "default"


@found_by("test_an_undone_transaction_sends_nothing")
class SendsWhatIsUndone(_SendsAtOnce):
    pass


@found_by("test_a_transaction_sends_when_it_is_committed")
class SendsBeforeTheCommit(_SendsAtOnce):
    pass


@found_by("test_a_priority_can_be_asked_for")
class ClaimsPriority(MemoryBroker):
    supports_priority = True


@found_by("test_a_package_too_large_is_refused_or_arrives_whole")
class CutsWhatIsTooLarge(MemoryBroker):
    max_package_bytes = 5000

    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package[:5000])
