"""Brokers with one fault each, and the contract test that must find it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package
from djq_core.brokers.memory import Memory, MemoryBroker

FOUND_BY: dict[type[Broker], str] = {}


def found_by(test: str) -> Callable[[type[Broker]], type[Broker]]:
    """Name the test of the contract that is meant to find the fault."""

    def note(broker: type[Broker]) -> type[Broker]:
        FOUND_BY[broker] = test
        return broker

    return note


@found_by("test_packages_come_out_in_order")
class LastInFirstOut(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        taken = super().receive(1000, wait)
        taken, rest = taken[-count:], taken[:-count]
        super().release([str(delivery.receipt) for delivery in rest], counted=False)
        return taken[::-1]


@found_by("test_many_are_sent_at_once_and_in_order")
class SendsManyBackwards(MemoryBroker):
    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        return super().enqueue_many(list(packages)[::-1])


@found_by("test_many_are_sent_at_once_and_in_order")
class LosesTheLastOfMany(MemoryBroker):
    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        return super().enqueue_many(packages if len(packages) < 10 else packages[:-1])


@found_by("test_every_package_arrives_whole[binary]")
class DecodesBytes(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package.decode(errors="ignore") if isinstance(package, bytes) else package)


@found_by("test_every_package_arrives_whole[unicode]")
class KnowsAsciiOnly(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package.encode("ascii", "replace") if isinstance(package, str) else package)


@found_by("test_every_package_arrives_whole[quoted]")
class StripsSpace(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package.strip() if isinstance(package, str) else package)


@found_by("test_a_large_package_arrives_whole")
class CutsOff(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package[:65536])


@found_by("test_an_empty_queue_gives_an_empty_list")
class GivesNothingAsNone(MemoryBroker):
    def dequeue(self) -> list[tuple[str | None, Package]]:
        return super().dequeue() or None  # type: ignore[return-value]


@found_by("test_an_empty_queue_is_waited_for_as_long_as_asked")
class NeverWaits(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return super().receive(count, 0)


@found_by("test_waiting_is_woken")
class Polls(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return Broker.receive(self, count, wait)


@found_by("test_waiting_costs_no_processor_time")
class Spins(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        until = time.process_time() + wait  # however little of it a busy machine gives
        while not (taken := super().receive(count, 0)) and time.process_time() < until:
            pass
        return taken


@found_by("test_two_queues_never_mix")
class HasOneQueue(MemoryBroker):
    @property
    def list_key(self) -> str:
        return "the one queue"


@found_by("test_deleting_a_queue_spares_the_others")
class DeletesAllQueues(MemoryBroker):
    def delete_queue(self) -> None:
        self.memory._queues.clear()


@found_by("test_a_purged_queue_is_empty_and_goes_on")
class PurgesHalf(MemoryBroker):
    def purge_queue(self) -> None:
        for delivery in self.receive(self.queue_size() // 2, 0):
            self.acknowledge(str(delivery.receipt))


@found_by("test_a_deleted_queue_leaves_nothing_and_can_be_used_again")
class KeepsWhatIsHeld(MemoryBroker):
    def delete_queue(self) -> None:
        for delivery in self.receive(1000, 0):
            self.acknowledge(str(delivery.receipt))


@found_by("test_the_queue_is_counted")
class CountsWhatIsHeldAsWaiting(MemoryBroker):
    def queue_size(self) -> int:
        return super().queue_size() + super().lock_size()


@found_by("test_two_brokers_share_a_queue")
class KeepsItToItself(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self.memory = Memory()


@found_by("test_building_one_does_no_input_or_output")
class ConnectsAtOnce(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        import socket

        super().__init__(settings)
        socket.socket().close()


@found_by("test_pickling_keeps_settings_only")
class ForgetsItsSettings(MemoryBroker):
    def __reduce__(self) -> Any:
        return type(self), (BrokerSettings(),)


@found_by("test_never_more_than_asked")
class GivesMoreThanAsked(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return super().receive(count + 2, wait)


@found_by("test_several_are_taken_at_once")
class GivesOneByOne(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return super().receive(min(count, 1), wait)


@found_by("test_what_is_acknowledged_never_comes_back")
class ForgetsToAcknowledge(MemoryBroker):
    def acknowledge_many(self, ids: Sequence[str]) -> None:
        pass


@found_by("test_acknowledging_one_leaves_the_others")
class AcknowledgesAll(MemoryBroker):
    def acknowledge_many(self, ids: Sequence[str]) -> None:
        if ids:
            self.purge_queue()


@found_by("test_an_unreadable_package_is_gone")
class KeepsTheUnreadable(MemoryBroker):
    def fail(self, id: str) -> None:
        pass


@found_by("test_a_released_package_comes_back_at_once")
class ReleasesWhenTheLeaseEnds(MemoryBroker):
    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        pass


@found_by("test_a_release_may_be_for_later")
class IgnoresTheDelay(MemoryBroker):
    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        super().release(receipts, counted=counted)


@found_by("test_a_release_counts_the_attempt")
class NeverCounts(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return [Delivery(each.receipt, each.package) for each in super().receive(count, wait)]


@found_by("test_an_uncounted_release_takes_the_attempt_back")
class CountsEveryRelease(MemoryBroker):
    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        super().release(receipts, delay=delay)


@found_by("test_an_unanswered_delivery_is_the_same_attempt")
class CountsEveryDelivery(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        taken = super().receive(count, wait)
        return [Delivery(each.receipt, each.package, each.count + each.unanswered - 1, 1) for each in taken]


@found_by("test_every_delivery_is_counted_however_it_ended")
class DeclaresToCountEveryDelivery(MemoryBroker):
    counts_every_delivery = True


@found_by("test_what_is_released_for_later_is_held_by_nobody")
class CountsWhatWaitsAsHeld(MemoryBroker):
    def lock_size(self) -> int:
        return len(self.memory.queue(self.list_key))


@found_by("test_what_nobody_answers_for_is_delivered_again")
class NeverDeliversAgain(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return self.memory.take(self.list_key, count, 3600, wait)


@found_by("test_an_extended_lease_does_not_lapse")
class ExtendsNothing(MemoryBroker):
    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        return list(receipts)


@found_by("test_an_extended_lease_lapses_in_its_turn")
class ExtendsForEver(MemoryBroker):
    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        return super().extend(receipts, 3600)


@found_by("test_each_lost_lease_is_told_apart")
class SaysThatAllAreHeld(MemoryBroker):
    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        super().extend(receipts, seconds)
        return list(receipts)


@found_by("test_an_extended_lease_keeps_its_receipt")
class ChangesReceiptsUntold(MemoryBroker):
    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        return [receipt and f"{receipt}+" for receipt in super().extend(receipts, seconds)]


@found_by("test_an_extended_lease_has_another_receipt")
class KeepsReceiptsUntold(MemoryBroker):
    changes_receipts = True


class _WithoutTokens(MemoryBroker):
    def newest(self, receipt: str) -> str:
        item = self.memory.queue(self.list_key).get(int(receipt.partition(":")[0]))
        return item.token if item and item.token else receipt


@found_by("test_a_late_answer_changes_nothing")
class AcknowledgesByNumber(_WithoutTokens):
    def acknowledge(self, id: str) -> None:
        super().acknowledge(self.newest(id))


@found_by("test_a_late_release_changes_nothing")
class ReleasesByNumber(_WithoutTokens):
    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        super().release([self.newest(receipt) for receipt in receipts], delay=delay, counted=counted)


@found_by("test_a_lost_lease_cannot_be_extended")
class ExtendsByNumber(_WithoutTokens):
    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        return super().extend([self.newest(receipt) for receipt in receipts], seconds)


@found_by("test_the_largest_package_is_taken")
class TakesLessThanItSays(MemoryBroker):
    max_package_bytes = 5000

    def enqueue(self, package: Package) -> str | None:
        return super().enqueue(package[:4000])


@found_by("test_without_leases_nothing_is_extended")
class ExtendsUndeclared(MemoryBroker):
    supports_leases = False


@found_by("test_without_delay_a_release_for_later_is_refused")
class DelaysUndeclared(MemoryBroker):
    supports_delay = False


@found_by("test_without_counts_each_delivery_is_the_first")
class CountsUndeclared(MemoryBroker):
    counts_deliveries = False


@found_by("test_without_bulk_packages_come_one_by_one")
class GivesSeveralUndeclared(MemoryBroker):
    supports_bulk = False


@found_by("test_without_receipts_there_are_none")
class HasReceiptsUndeclared(MemoryBroker):
    supports_receipts = False


@found_by("test_statistics_go_when_their_time_is_over")
class KeepsStatisticsForEver(MemoryBroker):
    shares_stats = True

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> Memory:
        memory = super().read_options(keys)
        memory.stats = {}  # type: ignore[attr-defined]
        return memory

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        self.memory.stats[key] = text  # type: ignore[attr-defined]

    def get_stats(self, prefix: str) -> list[str]:
        stats = self.memory.stats  # type: ignore[attr-defined]
        return [text for key, text in stats.items() if key.startswith(prefix)]


@found_by("test_threads_take_each_package_once")
class GivesTheSameTwice(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        due = [item for item in self.memory.queue(self.list_key).values() if item.token is None][:count]
        time.sleep(0.01)
        super().receive(count, wait)
        return [Delivery(item.token, item.package) for item in due]


@found_by("test_a_queue_of_one_process_refuses_others")
class LosesWhatOthersSend(MemoryBroker):
    def enqueue(self, package: Package) -> str | None:
        return None
