"""Who has which task: sizes of batches, idle workers first, nothing lost and nothing twice."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import pytest

from djq_core.cluster.assignment import ALONE_SECONDS, BATCH_SECONDS, BATCH_TASKS, Assignment, Held

ROOM = 500


def add(table: Assignment, count: int, func: str = "f") -> list[Held]:
    return [table.add({"id": str(n), "name": f"n{n}", "func": func, "receipt": f"r{n}"}, b"p") for n in range(count)]


def table_of(count: int, *, seconds: float | None = None) -> Assignment:
    table = Assignment()
    if seconds is not None:
        table.measured("f", seconds)
    add(table, count)
    return table


def sizes(given: Mapping[int, Sequence[Held]]) -> dict[int, int]:
    return {worker: len(tasks) for worker, tasks in given.items()}


def tickets(tasks: Iterable[Held]) -> list[int]:
    return [held.ticket for held in tasks]


def done(table: Assignment, worker: int, held: Held) -> None:
    assert table.finish(worker, held.ticket, {"success": True}, b"r") is held


# Handing out


def test_tasks_of_unknown_length_travel_alone() -> None:
    table = table_of(5)
    assert sizes(table.hand_out({1: ROOM, 2: ROOM})) == {1: 1, 2: 1}
    assert len(table.waiting) == 3
    assert table.hand_out({1: ROOM, 2: ROOM}) == {}


def test_long_tasks_travel_alone() -> None:
    table = table_of(5, seconds=ALONE_SECONDS * 1.1)
    assert sizes(table.hand_out({1: ROOM, 2: ROOM})) == {1: 1, 2: 1}


@pytest.mark.parametrize(("seconds", "size"), [(BATCH_SECONDS / 10.01, 10), (ALONE_SECONDS, 2), (0.0, BATCH_TASKS)])
def test_short_tasks_travel_in_batches_of_measured_work(seconds: float, size: int) -> None:
    table = table_of(200, seconds=seconds)
    assert sizes(table.hand_out({1: ROOM})) == {1: size}
    assert table.hand_out({1: ROOM}) == {}


def test_what_comes_back_makes_room_for_as_much() -> None:
    table = table_of(200, seconds=BATCH_SECONDS / 10.01)
    given = table.hand_out({1: ROOM})[1]
    for held in given[:3]:
        done(table, 1, held)
    table.call_back(1, tickets(given[6:]))
    assert sizes(table.hand_out({1: ROOM})) == {1: 7}
    assert table.lose(1, []) != []
    assert sizes(table.hand_out({1: ROOM})) == {1: 10}


def test_a_task_of_unknown_length_does_not_queue_behind_short_ones() -> None:
    table = table_of(1, seconds=0.001)
    add(table, 1, "unknown")
    add(table, 1)
    assert sizes(table.hand_out({1: ROOM})) == {1: 1}
    assert [held.func for held in table.waiting] == ["unknown", "f"]


def test_nothing_queues_behind_a_task_of_unknown_length() -> None:
    table = Assignment()
    table.measured("f", 0.001)
    add(table, 1, "unknown")
    add(table, 1)
    assert sizes(table.hand_out({1: ROOM})) == {1: 1}


def test_the_idle_come_first() -> None:
    table = table_of(1, seconds=0.001)
    assert sizes(table.hand_out({1: ROOM})) == {1: 1}
    add(table, 2)
    assert sizes(table.hand_out({1: ROOM, 2: ROOM, 3: ROOM})) == {2: 1, 3: 1}


def test_batches_are_dealt_round() -> None:
    assert sizes(table_of(7, seconds=0.001).hand_out({1: ROOM, 2: ROOM})) == {1: 4, 2: 3}


def test_no_worker_is_given_more_than_it_may_still_take() -> None:
    table = table_of(20, seconds=0.001)
    assert sizes(table.hand_out({1: 3, 2: 0, 3: 5})) == {1: 3, 3: 5}
    assert table_of(3).hand_out({1: 0}) == {}
    assert table_of(3).hand_out({}) == {}


def test_tickets_rise_in_the_order_of_arrival() -> None:
    table = table_of(10, seconds=0.001)
    given = table.hand_out({1: ROOM})[1]
    assert [held.header["name"] for held in given] == [f"n{n}" for n in range(10)]
    assert tickets(given) == sorted(tickets(given))
    assert 0 not in tickets(given)


def test_the_usual_length_follows_the_measurements() -> None:
    table = Assignment()
    table.measured("f", 1.0)
    assert table.mean("f") == 1.0
    for _ in range(50):
        table.measured("f", 0.001)
    assert table.mean("f") == pytest.approx(0.001, rel=0.2)
    assert table.mean("other") == float("inf")


# Coming back


def test_a_result_is_taken_once_and_from_the_worker_that_has_the_task() -> None:
    table = table_of(1)
    (held,) = table.hand_out({1: ROOM})[1]
    assert table.finish(2, held.ticket, {}, b"") is None
    assert table.finish(1, held.ticket + 1, {}, b"") is None
    done(table, 1, held)
    assert table.finish(1, held.ticket, {}, b"") is None
    assert (held.outcome, held.result) == ({"success": True}, b"r")


def test_a_task_that_was_called_back_is_no_longer_the_worker_s() -> None:
    table = table_of(2, seconds=0.001)
    first, second = table.hand_out({1: ROOM})[1]
    old = second.ticket
    assert table.call_back(1, [old]) == [second]
    assert table.finish(1, old, {}, b"") is None
    assert table.running(1, old) is None
    assert table.running(1, first.ticket) is first
    assert table.hand_out({2: ROOM}) == {2: [second]}
    assert second.ticket > old


def test_called_back_tasks_come_before_all_others_and_in_order() -> None:
    table = table_of(4, seconds=0.001)
    given = table.hand_out({1: ROOM})[1]
    add(table, 1, "late")
    table.call_back(1, tickets(given[1:]))
    assert list(table.waiting)[:3] == given[1:]
    assert table.waiting[3].func == "late"
    assert list(table.at_worker[1]) == given[:1]


def test_a_dead_worker_loses_what_it_started_and_the_rest_waits_again() -> None:
    table = table_of(4, seconds=0.001)
    given = table.hand_out({1: ROOM})[1]
    assert table.lose(1, tickets(given[1:])) == given[:1]
    assert list(table.waiting) == given[1:]
    assert table.lose(1, []) == []
    assert not table.at_worker


# Counting


def test_what_is_fetched_and_not_started_is_counted() -> None:
    table = table_of(6, seconds=0.001)
    given = table.hand_out({1: 3})[1]
    assert table.unstarted({1: 0}) == 6
    assert table.unstarted({1: given[0].ticket}) == 5
    assert table.unstarted({1: given[2].ticket}) == 3
    assert len(table.at_worker[1]) == 3


def test_finished_tasks_are_held_until_they_are_answered() -> None:
    table = table_of(2)
    one, other = (tasks[0] for tasks in table.hand_out({1: ROOM, 2: ROOM}).values())
    done(table, 1, one)
    done(table, 2, other)
    assert table.finished_bytes == one.size + other.size == 4
    table.answered([one.seq, 99, one.seq])
    assert (table.finished, table.finished_bytes) == ({other.seq: other}, 2)
    table.answered([other.seq])
    assert (table.is_empty, table.by_seq) == (True, {})


def test_each_result_is_sent_once_until_the_monitor_is_lost() -> None:
    table = table_of(3)
    for worker, (held,) in table.hand_out({1: ROOM, 2: ROOM, 3: ROOM}).items():
        done(table, worker, held)
    first = list(table.unsent())
    assert len(first) == 3
    assert list(table.unsent()) == []
    table.answered([first[0].seq])
    for held in first:
        held.is_sent = True
    table.resend_all()
    assert [held.is_sent for held in first[1:]] == [False, False]
    assert list(table.unsent()) == first[1:]


def test_what_nobody_runs_is_finished_from_the_start() -> None:
    table = Assignment()
    held = table.add_finished({"id": "1", "name": "n", "func": "f"}, b"p", {"error": "unreadable"})
    assert list(table.unsent()) == [held]
    assert not table.waiting
    assert held.receipt is None


# Leaving


def test_only_a_waiting_task_is_dropped() -> None:
    table = table_of(3)
    (given,) = table.hand_out({1: ROOM})[1]
    assert table.drop_waiting(given.seq) is None
    dropped = table.waiting[0]
    assert table.drop_waiting(dropped.seq) is dropped
    assert table.drop_waiting(dropped.seq) is None
    assert set(table.by_seq) == {given.seq, table.waiting[0].seq}


def test_draining_forgets_what_waits() -> None:
    table = table_of(3)
    table.hand_out({1: ROOM})
    assert len(table.drain_waiting()) == 2
    assert len(table.by_seq) == 1
    assert not table.waiting


def test_a_task_shows_name_function_and_id() -> None:
    held = Assignment().add({"id": "1f", "name": "four-plain-words", "func": "a.b"}, b"secret")
    assert str(held) == "[four-plain-words] a.b (1f)"
    assert "secret" not in repr(held)


# All together


class Simulation:
    """Does one random thing after another to a table, as workers and monitor would."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.table = Assignment()
        self.arrived = 0
        self.answered = 0
        self.steps = (self.arrive, self.hand_out, self.finish, self.call_back, self.die, self.answer)

    def step(self) -> None:
        worker = self.dice.randint(1, 4)
        self.dice.choice(self.steps)(worker, list(self.table.at_worker.get(worker, ())))

    def arrive(self, worker: int, queue: list[Held]) -> None:
        self.arrived += len(add(self.table, self.dice.randint(1, 9), self.dice.choice("fgh")))

    def hand_out(self, worker: int, queue: list[Held]) -> None:
        self.table.hand_out({one: self.dice.randint(0, 20) for one in range(1, 5)})

    def finish(self, worker: int, queue: list[Held]) -> None:
        for held in queue[:1]:
            self.table.measured(held.func, self.dice.choice([0.001, 0.04, 0.2]))
            done(self.table, worker, held)

    def call_back(self, worker: int, queue: list[Held]) -> None:
        self.table.call_back(worker, tickets(queue[1:]))

    def die(self, worker: int, queue: list[Held]) -> None:
        for culprit in self.table.lose(worker, tickets(queue[1:])):
            self.table.end(culprit, {"error": "died"})

    def answer(self, worker: int, queue: list[Held]) -> None:
        gone = self.dice.sample(sorted(self.table.finished), k=len(self.table.finished) // 2)
        self.table.answered(gone)
        self.answered += len(gone)


def test_every_task_is_in_one_place_whatever_happens() -> None:
    simulation = Simulation(7)
    table = simulation.table
    for _ in range(3000):
        simulation.step()
        places = [*chain(table.waiting, *table.at_worker.values()), *table.finished.values()]
        assert len(places) == len({held.seq for held in places}) == len(table.by_seq)
        assert len(places) == simulation.arrived - simulation.answered
        assert table.finished_bytes == sum(held.size for held in table.finished.values())
    assert simulation.answered > 500
