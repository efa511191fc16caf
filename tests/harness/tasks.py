"""The tasks and hooks of the test sites; each tells the oracle when it starts and when it ends."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import json
import multiprocessing
import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tests.harness import oracle

if TYPE_CHECKING:
    from djq_core.models import Task

_kept: list[bytearray] = []


def mark(label: str, seconds: float = 0.0) -> str:
    """Work for some seconds and return the label."""
    _note(label, oracle.START)
    time.sleep(seconds)
    _note(label, oracle.END)
    return label


def mark_in_the_same_way(label: str, seconds: float = 0.0) -> str:
    """Do what ``mark`` does, under another name."""
    return mark(label, seconds)


def name_of(row: Any) -> str:
    """Return the name of a model instance."""
    return str(row.name)


def fail(label: str) -> None:
    """Raise an error that names the label."""
    _note(label, oracle.START)
    raise ValueError(f"broken on purpose: {label}")


def fail_until(label: str, successful_start: int) -> int:
    """Raise an error until it is started for this time; return how often it was started."""
    _note(label, oracle.START)
    starts = oracle.Oracle(Path(settings.ORACLE)).count(oracle.START)[label]
    if starts < successful_start:
        raise ValueError(f"start {starts} of {label}")
    _note(label, oracle.END)
    return starts


def fail_first(label: str, seconds: float) -> str:
    """Take some seconds; the first start fails then, the second succeeds."""
    is_first = not oracle.Oracle(Path(settings.ORACLE)).count(oracle.START)[label]
    _note(label, oracle.START)
    time.sleep(seconds)
    if is_first:
        raise ValueError(f"the first start of {label}")
    _note(label, oracle.END)
    return label


def enqueue_another(label: str) -> str:
    """Enqueue another task."""
    _note(label, oracle.START)
    _enqueue(f"{label}.task")
    _note(label, oracle.END)
    return label


def measure(label: str, data: bytes) -> str:
    """Return the digest of what arrived."""
    _note(label, oracle.START)
    digest = hashlib.sha256(data).hexdigest()
    _note(label, oracle.END)
    return digest


def produce(label: str, size: int) -> bytes:
    """Return so many bytes."""
    _note(label, oracle.START)
    _note(label, oracle.END)
    return bytes(range(256)) * (size // 256)


def produce_slowly(label: str, size: int, seconds: float) -> bytes:
    """Work for some seconds and return so many bytes."""
    mark(label, seconds)
    return bytes(range(256)) * (size // 256)


def cannot_be_sent_back(label: str) -> object:
    """Return what no serializer takes."""
    _note(label, oracle.START)
    _note(label, oracle.END)
    return threading.Lock()


def where(label: str) -> int:
    """Return the id of the process that works."""
    _note(label, oracle.START)
    _note(label, oracle.END)
    return os.getpid()


def keep(label: str, mebibytes: int) -> int:
    """Take memory and never give it back."""
    _note(label, oracle.START)
    _kept.append(bytearray(b"x" * (mebibytes << 20)))
    _note(label, oracle.END)
    return os.getpid()


def with_a_child(label: str) -> int | None:
    """Start a process of its own, wait for it and return its exit code."""
    _note(label, oracle.START)
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.1,))
    child.start()
    child.join()
    return child.exitcode


def vetoed(label: str) -> None:
    """Be refused by the receiver of the site; this line is never reached."""
    _note(label, oracle.START)


# What hangs


def sleep_deaf(label: str, seconds: float) -> None:
    """Hang in C with every signal blocked and the interpreter locked: only SIGKILL ends it."""
    _note(label, oracle.START)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.PyDLL(None).sleep(int(seconds))
    _note(label, oracle.END)


def count_in_c(label: str, seconds: float) -> None:
    """Stay in C for about so many times ten seconds: no handler of Python's is called."""
    _note(label, oracle.START)
    sum(itertools.repeat(0, int(seconds * 1e9)))
    _note(label, oracle.END)


def sleep_without_signal(label: str, seconds: float) -> None:
    """Take the signal of the time-out for itself and leave it so."""
    _note(label, oracle.START)
    signal.signal(signal.SIGURG, signal.SIG_IGN)
    time.sleep(seconds)
    _note(label, oracle.END)


def sleep_with_alarm(label: str, seconds: float) -> None:
    """Take SIGALRM, as libraries do for time-outs of their own, and be told when it comes."""
    _note(label, oracle.START)
    signal.signal(signal.SIGALRM, lambda number, frame: _note(f"{label}-alarm", oracle.START))
    time.sleep(seconds)
    _note(label, oracle.END)


def sleep_through_exceptions(label: str, seconds: float) -> None:
    """Catch every Exception, as careless code does, and go on."""
    _note(label, oracle.START)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            time.sleep(seconds)
        except Exception:
            continue
    _note(label, oracle.END)


# What kills


def segfault(label: str) -> None:
    """Read from address zero."""
    _prepare_to_die(label)
    ctypes.string_at(0)


def overflow_the_stack(label: str) -> None:
    """Nest iterators of C so deep that their recursion leaves the stack, which is made small so that it soon does."""
    _prepare_to_die(label)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, resource.RLIM_INFINITY))
    nested: Any = iter((1,))
    for _ in range(50_000):
        nested = filter(None, nested)
    next(nested)


def run_out_of_memory(label: str) -> None:
    """End as the kernel ends a process when memory is out."""
    _prepare_to_die(label)
    os.kill(os.getpid(), signal.SIGKILL)


def leave(label: str) -> None:
    """End the process without a word."""
    _prepare_to_die(label)
    os._exit(7)


def _prepare_to_die(label: str) -> None:
    _note(label, oracle.START)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# Hooks


def note_hook(task: Task) -> None:
    """Note that the hook of this task was called, and with what."""
    seen = {
        "class": type(task).__name__,
        "id": task.id,
        "name": task.name,
        "func": task.func,
        "hook": task.hook,
        "args": repr(task.args),
        "kwargs": repr(task.kwargs),
        "group": task.group,
        "result": str(task.result),
        "success": task.success,
        "time_taken": task.time_taken(),
    }
    with Path(f"{settings.ORACLE}.hooks").open("a") as file:
        file.write(json.dumps(seen) + "\n")
    _note(task.name, oracle.HOOK)


def raise_in_hook(task: Task) -> None:
    """Note the call and raise."""
    _note(task.name, oracle.HOOK)
    raise RuntimeError(f"hook broken on purpose: {task.name}")


def die_in_hook(task: Task) -> None:
    """Note the call and take the process with it."""
    _note(task.name, oracle.HOOK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def enqueue_from_hook(task: Task) -> None:
    """Enqueue a task."""
    _enqueue(f"{task.name}.hook")


def hang_in_hook(task: Task) -> None:
    """Note the call and hang in C with the interpreter locked, so that no thread of the monitor runs."""
    _note(task.name, oracle.HOOK)
    ctypes.PyDLL(None).sleep(60)


def nap_in_hook(task: Task) -> None:
    """Note the call and take three seconds and a half."""
    _note(task.name, oracle.HOOK)
    time.sleep(3.5)


def _enqueue(label: str) -> None:
    from djq_core.tasks import async_task

    async_task(mark, label, task_name=label)


def _note(label: str, kind: str) -> None:
    oracle.note(settings.ORACLE, label, kind)
