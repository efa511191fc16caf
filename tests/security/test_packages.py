"""S1 to S4: what was not signed for this is never read, and what was is read within limits."""

from __future__ import annotations

import ast
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
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from djq_core.cluster import channels
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.pusher import Pusher
from djq_core.envelope import FIELD, GROUP, RESULT, STAT, TASK, Signer, encode_package
from djq_core.exceptions import BadPackageSignature
from djq_core.runtime import Runtime
from tests.chaos.record import note
from tests.chaos.sizes import report
from tests.envelope.test_signing import mutated
from tests.envelope.test_wire import header_of, text_of
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.making import MemoryBroker, package_of, runtime_of

pytestmark = pytest.mark.security

ROOT = Path(__file__).resolve().parents[2]
HERE = __name__
MIB = 1 << 20
#: What reads a payload or inflates it, by the names of the functions of C behind it.
READERS = frozenset({"loads", "load", "decompress", "decompressobj", "find_class"})
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

    But for the headers of frames, which our own processes write for each other.
    """
    seen: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        is_header = called is marshal.loads and frame.f_code.co_filename == channels.__file__
        if event == "c_call" and called.__name__ in names and not is_header:
            seen.append(called.__name__)

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


def hostile(runtime: Runtime, dice: random.Random) -> str:
    """Return a package that nobody has signed for this cluster's tasks."""
    parts = {"args": pickle.dumps((Telltale(),)), "kwargs": pickle.dumps({})}
    text = encode_package(package_of(runtime, f"{HERE}.executed", parts=parts), compress=dice.random() < 0.5)
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


def test_s3_what_the_old_key_signed_is_run_while_it_is_a_fallback() -> None:
    old, new = runtime_of(), runtime_of()
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
def test_s3_a_cluster_with_a_new_key_runs_what_is_queued(make_site: MakeSite) -> None:
    site = make_site(SECRET_KEY="old key " * 8)
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
    text = encode_package(package_of(runtime_of(), f"{HERE}.executed", (Telltale(),)))
    (frame,) = pushed(runtime, [runtime.signer.sign(TASK, text)])
    EXECUTED.clear()
    outcome = Executor(Tools.of(runtime, lambda: None)).execute_text(frame.payload.decode())
    assert "The serializer 'pickle' is not accepted here" in runtime.load("json", outcome.result)
    assert EXECUTED == []


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
