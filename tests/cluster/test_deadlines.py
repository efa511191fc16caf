"""The three steps of a deadline, each due once and in order."""

from __future__ import annotations

from djq_core.cluster.deadlines import KILL_AFTER, Deadline, Step


def test_the_steps_follow_each_other() -> None:
    deadline = Deadline(1, at=100.0, grace=2.0)
    assert deadline.due(99.9) is None
    assert deadline.due(100.0) is Step.RAISE
    assert deadline.due(101.9) is None
    assert deadline.at == 102.0
    assert deadline.due(102.0) is Step.TERMINATE
    assert deadline.due(102.0 + KILL_AFTER / 2) is None
    assert deadline.due(102.0 + KILL_AFTER) is Step.KILL
    assert deadline.is_exhausted
    assert deadline.due(1000.0) is None


def test_a_late_look_takes_one_step_and_grants_the_whole_grace() -> None:
    deadline = Deadline(1, at=100.0, grace=2.0)
    assert deadline.due(500.0) is Step.RAISE
    assert deadline.due(501.0) is None
    assert deadline.due(502.0) is Step.TERMINATE


def test_no_grace_leads_on_at_the_next_look() -> None:
    deadline = Deadline(1, at=0.0, grace=0.0)
    assert [deadline.due(1.0), deadline.due(1.0), deadline.due(1.0)] == [Step.RAISE, Step.TERMINATE, None]
