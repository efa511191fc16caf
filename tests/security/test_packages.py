"""S1 to S4: what was not signed for this is never read, and what was is read within limits."""

from __future__ import annotations

import ast
import json
import logging
import marshal
import pickle
import random
import socket
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from djq_core import serializers
from djq_core.cluster import channels
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.pusher import Pusher
from djq_core.envelope import FIELD, GROUP, RESULT, STAT, TASK, Signer, encode_package
from djq_core.exceptions import BadPackageSignature, SerializationError
from djq_core.runtime import Runtime
from tests.chaos.record import note
from tests.chaos.sizes import report
from tests.envelope.test_signing import mutated
from tests.envelope.test_wire import header_of, text_of
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.names import TASKS
from tests.harness.waiting import wait_until
from tests.making import MemoryBroker, package_of, runtime_of

pytestmark = pytest.mark.security

ROOT = Path(__file__).resolve().parents[2]
HERE = __name__
MIB = 1 << 20
#: What reads a payload or inflates it, by the names of the functions of C behind it.
READERS = frozenset({"loads", "load", "decompress", "decompressobj", "find_class"})
SERIALIZERS = frozenset(str(path) for path in Path(serializers.__file__).parent.glob("*.py"))
#: Reading a value, an object with a tag, and the row of a model instance.
READING = frozenset({"loads", "read", "fetch"})
EXECUTED: list[object] = []


class Telltale:
    """Notes when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return executed, ("unpickled",)


def executed(what: object = "run") -> object:
    EXECUTED.append(what)
    return what


@contextmanager
def calls_seen(names: frozenset[str]) -> Iterator[list[str]]:
    """Note each call of a function of C with one of these names, in this thread and those that begin now.

    And of everything in our serializers. But for the headers of frames, which our own processes write for each other.
    """
    seen: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        is_header = called is marshal.loads and frame.f_code.co_filename == channels.__file__
        if event == "c_call" and called.__name__ in names and not is_header:
            seen.append(called.__name__)
        elif event == "call" and frame.f_code.co_filename in SERIALIZERS and frame.f_code.co_name in READING:
            seen.append(frame.f_code.co_name)

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def pushed(runtime: Runtime, texts: list[str]) -> Iterator[Frame]:
    """Yield what a pusher hands over for these packages."""
    broker = MemoryBroker()
    broker.queue.extend(texts)
    with ExitStack() as stack:
        ours, theirs, control, ears = (
            Channel(stack.enter_context(end)) for end in (*socket.socketpair(), *socket.socketpair())
        )
        pusher = Pusher("p", runtime, broker, theirs, control)
        thread = threading.Thread(target=pusher.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(pusher.stop)
        pusher.grant(len(texts))
        for _ in texts:
            frame = ours.receive(timeout=10)
            assert frame is not None
            yield frame
        assert ears.receive(timeout=10) == Frame(Kind.READY)


# S1


def payload(dice: random.Random) -> tuple[str, bytes]:
    """Return arguments that do something when they are read: run code, fetch a row, or fill the stack or the memory."""
    tags = [["auth.user", 1, "default"], ["djq_core.task", "a" * 32, "default"], ["no.such", 1, "elsewhere"]]
    kinds: list[Callable[[], tuple[str, bytes]]] = [
        lambda: ("pickle", pickle.dumps((Telltale(),))),
        lambda: ("json", json.dumps({"$tuple": [{"$model": dice.choice(tags)}]}).encode()),
        lambda: ("json", json.dumps([{"$dict": [[{"$bytes": "AA=="}, {"$model": dice.choice(tags)}]]}]).encode()),
        lambda: ("json", b"[" * 1000 + b"]" * 1000),
        lambda: (dice.choice(["pickle", "json", "yaml", ""]), bytes(10_000)),
    ]
    return dice.choice(kinds)()


def hostile(runtime: Runtime, dice: random.Random) -> str:
    """Return a package that nobody has signed for this cluster's tasks."""
    serializer, args = payload(dice)
    package = package_of(runtime, f"{HERE}.executed", parts={"args": args, "kwargs": pickle.dumps({})})
    text = encode_package(replace(package, serializer=serializer), compress=dice.random() < 0.5)
    other = runtime.signer.named("other")
    foreign = Signer(runtime.conf.name, "another key")
    kinds: list[Callable[[], str]] = [
        lambda: mutated(runtime.signer.sign(TASK, text), dice),
        lambda: runtime.signer.sign(TASK, text)[: dice.randrange(len(text))],
        lambda: other.sign(TASK, text),
        lambda: foreign.sign(TASK, text),
        lambda: runtime.signer.sign(dice.choice([STAT, GROUP, RESULT, FIELD]), text),
        lambda: text,
    ]
    return dice.choice(kinds)()


@pytest.mark.parametrize(
    "count", [500, pytest.param(100_000, marks=[pytest.mark.chaos, pytest.mark.timeout(900)], id="full")]
)
def test_s1_what_nobody_signed_is_never_loaded_inflated_or_run(count: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "djq")
    runtime, dice = runtime_of(), random.Random(count)
    EXECUTED.clear()
    for _ in range(0, count, 500):
        texts = [hostile(runtime, dice) for _ in range(500)]
        with calls_seen(READERS) as seen:
            frames = list(pushed(runtime, texts))
        assert seen == []
        assert {(frame.kind, frame.header["fail"]) for frame in frames} == {(Kind.RESULT, True)}
    note(packages=count, executed=len(EXECUTED), read=0)
    assert EXECUTED == []


def test_s1_the_watch_sees_what_it_watches_for() -> None:
    runtime = runtime_of()
    text = encode_package(package_of(runtime, f"{HERE}.executed", ("x" * 1000,)), compress=True)
    (frame,) = pushed(runtime, [runtime.signer.sign(TASK, text)])
    EXECUTED.clear()
    with calls_seen(READERS) as seen:
        Executor(Tools.of(runtime, lambda: None)).execute_text(frame.payload.decode())
    assert {"loads", "decompress"} <= set(seen)
    assert EXECUTED == ["x" * 1000]


def test_s1_the_watch_sees_what_reads_json_too() -> None:
    runtime = runtime_of(serializer="json")
    parts = {"args": b'{"$tuple":[{"$model":["no.such",1,"default"]}]}', "kwargs": b"{}"}
    text = encode_package(package_of(runtime, f"{HERE}.executed", parts=parts))
    with calls_seen(READERS) as seen:
        Executor(Tools.of(runtime, lambda: None)).execute_text(text)
    assert set(seen) >= READING


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("vendor", [SQLITE, POSTGRESQL, MARIADB, REDIS_RECEIPTS])
def test_s1_a_flood_of_garbage_leaves_no_more_rows_than_are_kept(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"quarantine_limit": 200, "workers": 1})
    site.call("enqueue_garbage", 20_000, seconds=300)
    with site.cluster() as cluster:
        most, left = 0, 1
        while left:
            _, rows, left = site.call("counts")
            most = max(most, rows)
            time.sleep(0.2)
        site.call("enqueue", "mark", "after")
        site.row("after")
        assert cluster.stop() == 0
    note(packages=20_000, rows=most)
    assert site.call("counts") == [1, 200, 0]
    assert most <= 200 + 20 + 100, "kept, before they are counted again, and a batch"


# S2


COMPARISONS = frozenset({"compare_digest", "_compare_digest"})
MAKES_SIGNATURES = frozenset({"hmac", "django.core.signing", "django.utils.crypto", "secrets.compare_digest"})


@pytest.mark.parametrize("change", ["", "first", "last", "all", "none"])
def test_s2_every_signature_is_compared_in_constant_time(change: str) -> None:
    signer = Signer("main", "a key")
    text, _, signature = signer.sign(TASK, "text").rpartition(":")
    changed = {
        "": signature,
        "first": f"!{signature[1:]}",
        "last": f"{signature[:-1]}!",
        "all": "!" * len(signature),
        "none": "",
    }[change]
    with calls_seen(COMPARISONS) as seen:
        try:
            assert signer.verify(TASK, f"{text}:{changed}") == "text"
        except BadPackageSignature:
            assert change
    assert len(seen) == 1


def test_s2_nothing_but_the_signer_knows_of_signatures() -> None:
    files = [path for folder in (ROOT / "djq_core", *ROOT.glob("plugins/*/djq_*")) for path in folder.rglob("*.py")]
    who = {str(path.relative_to(ROOT)) for path in files if imported(path) & MAKES_SIGNATURES}
    assert who == {"djq_core/envelope/signing.py"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{each.name}" for each in node.names)}
    return names


# S3


@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_s3_what_the_old_key_signed_is_run_while_it_is_a_fallback(serializer: str) -> None:
    old, new = runtime_of(serializer=serializer), runtime_of(serializer=serializer)
    rotated = Signer(new.conf.name, "the new key", (new.conf.secret_key,))
    executor = Executor(Tools.of(new, lambda: None))
    EXECUTED.clear()
    for number in range(1000):
        text = old.signer.sign(TASK, encode_package(package_of(old, f"{HERE}.executed", (number,))))
        assert executor.execute_text(rotated.verify(TASK, text)).success
        with pytest.raises(BadPackageSignature):
            Signer(new.conf.name, "the new key").verify(TASK, text)
    note(queued=1000, run=len(EXECUTED))
    assert list(range(1000)) == EXECUTED


@pytest.mark.chaos
@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_s3_a_cluster_with_a_new_key_runs_what_is_queued(make_site: MakeSite, serializer: str) -> None:
    site = make_site(SECRET_KEY="old key " * 8, q_cluster={"serializer": serializer})
    site.call("enqueue_many", "mark", [f"task-{number}" for number in range(1000)])
    site.close_shell()
    site.change_settings(SECRET_KEY="new key " * 8, SECRET_KEY_FALLBACKS=["old key " * 8])
    with site.cluster() as cluster:
        site.wait_counts(1000)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger)
    assert ledger.differences() == []


# S4


def test_s4_a_pickle_is_refused_unread_where_json_is_spoken() -> None:
    runtime = runtime_of(serializer="json")
    text = encode_package(package_of(runtime_of(), f"{HERE}.executed", (Telltale(),)), compress=True)
    EXECUTED.clear()
    with calls_seen(READERS) as seen:
        (frame,) = pushed(runtime, [runtime.signer.sign(TASK, text)])
    assert (frame.kind, frame.header["fail"], seen) == (Kind.RESULT, True, [])
    assert "The serializer 'pickle' is not accepted here; accept_serializers: json." in frame.header["error"]
    outcome = Executor(Tools.of(runtime, lambda: None)).execute_text(frame.payload.decode())  # had it come so far
    assert "The serializer 'pickle' is not accepted here" in runtime.load("json", outcome.result)
    assert EXECUTED == []


def test_s4_a_cluster_records_what_it_does_not_accept_and_goes_on(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 1})
    refused = site.call("enqueue", "mark", "pickled", hook=f"{TASKS}.note_hook")
    site.close_shell()
    site.configure(workers=1, serializer="json", backoff=0)
    there, gone = (site.call("enqueue_instance", name, is_gone=name == "gone") for name in ("there", "gone"))
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "after")
        assert site.call("result", there, 20_000) == "there"
        assert "InstanceGone: No djq_core.schedule has the primary key " in site.call("result", gone, 20_000)
        site.wait_counts(2, failures=2)
        row = site.row(refused)
        wait_until(site.hook_calls, 10, "the hook is told of the failure")
        assert cluster.stop() == 0
    assert row["result"] == (
        "The package was not run: The serializer 'pickle' is not accepted here; accept_serializers: json."
    )
    assert (row["name"], row["success"], row["attempt_count"]) == ("pickled", False, 1)
    assert "UnknownSerializer" in row["args"]
    assert site.call("counts") == [2, 2, 0]


@pytest.mark.parametrize("levels", [101, 400, 100_000])
def test_s4_a_value_that_is_nested_too_deeply_is_refused_by_who_sends_and_by_who_reads(levels: int) -> None:
    runtime = runtime_of(serializer="json")
    with pytest.raises(SerializationError, match="max_nesting_depth allows 100 levels"):
        package_of(runtime, args=(nested_in(levels),))
    parts = {"args": b"[" * (levels + 1) + b"]" * (levels + 1), "kwargs": b"{}"}
    package = package_of(runtime, f"{HERE}.executed", parts=parts)
    EXECUTED.clear()
    outcome = Executor(Tools.of(runtime, lambda: None)).execute_text(encode_package(package))
    assert "The JSON is nested too deeply: max_nesting_depth allows 100 levels" in runtime.load("json", outcome.result)
    assert EXECUTED == []


def nested_in(levels: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(levels - 1):
        value = (value,)
    return value


@pytest.mark.parametrize("announced", [1000, 100 * MIB])
def test_s4_inflation_is_bounded_whatever_a_package_announces(announced: int) -> None:
    runtime = runtime_of(max_package_bytes=MIB)
    bomb = text_of(header_of(z=announced, p=[["args", 100 * MIB]]), zlib.compress(bytes(100 * MIB)))
    executor = Executor(Tools.of(runtime, lambda: None))
    tracemalloc.start()
    try:
        assert not executor.execute_text(bomb).success
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
