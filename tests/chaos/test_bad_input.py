"""R10: arguments, packages and results that cannot be read, written or carried."""

from __future__ import annotations

import hashlib

from tests.chaos.sizes import BOTH, EVERYWHERE, report, short_and_full
from tests.harness.fixtures import MakeSite
from tests.harness.names import TASKS
from tests.harness.sites import WORKERS, Site

KINDS = [(kind, where) for kind in ("lock", "lambda", "generator") for where in ("second", "keyword", "nested")]


def _refuse(site: Site, count: int) -> None:
    """Try so many calls that must be refused."""
    for number in range(count):
        refusal = site.call("refusal", *KINDS[number % len(KINDS)])
        assert refusal.startswith("SerializationError: Argument "), refusal
    assert site.call("counts") == [0, 0, 0]


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@short_and_full("count, large, mebibytes", (12, 1, 8), (200, 4, 50), seconds=600, vendors=EVERYWHERE, short_on=BOTH)
def test_r10_bad_input_ends_with_one_reason_each(
    make_site: MakeSite, vendor: str, count: int, large: int, mebibytes: int
) -> None:
    site = make_site(vendor, q_cluster={"max_attempts": 1, "retry": 30})
    _refuse(site, count)
    with site.cluster() as cluster:
        before = cluster.everybody(WORKERS)
        for label in _names("foreign", count):
            site.call("enqueue_foreign", label)
        for label in _names("nowhere", count):
            site.call("enqueue_plain", f"{TASKS}.nowhere", label, task_name=label)
        site.call("enqueue_many", "cannot_be_sent_back", _names("unsendable", count))
        site.call("enqueue_many", "mark", _names("good", count))
        for label in _names("there", large):
            site.call("enqueue_bytes", "measure", label, mebibytes << 20)
        site.call("enqueue_many", "produce", _names("back", large), mebibytes << 20)
        site.wait_counts(count + 2 * large, failures=3 * count, seconds=60 + 10 * large)
        assert cluster.everybody(WORKERS) == before
        assert cluster.stop() == 0
    _check(site, count, large, mebibytes << 20)


def _check(site: Site, count: int, large: int, size: int) -> None:
    ledger = site.ledger()
    report(ledger)
    assert ledger.differences(poison=_names("unsendable", count)) == []
    foreign, unsendable = _names("foreign", count), _names("unsendable", count)
    assert not [label for label in ledger.started if label.startswith(("foreign", "nowhere"))]
    assert [ledger.started[label] for label in unsendable] == [1] * count
    assert set(ledger.started.values()) == {1}
    assert set(ledger.successes) == {*_names("good", count), *_names("there", large), *_names("back", large)}
    reasons = ledger.failures
    assert sum("signature" in reason for reason in reasons.values()) == len(foreign)
    assert all("nowhere" in reasons[label] for label in _names("nowhere", count))
    assert all("lock" in reasons[label] for label in unsendable)
    whole = hashlib.sha256(bytes(range(256)) * (size // 256)).hexdigest()
    for label in _names("there", large):
        assert site.call("result", label) == whole
    for label in _names("back", large):
        assert site.call("result_size", label) == size
