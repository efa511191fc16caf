"""Where a child of a cluster comes from, and how it begins: it leaves what is not its own, and ends with its parent."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from djq_core.cluster import logs
from djq_core.cluster.children import Closable
from djq_core.runtime import Runtime

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a child comes from: its name, its parent, how it was started, and what it inherited and must close."""

    name: str
    parent: int
    start_method: str
    inherited: Sequence[Closable] = ()


def begin(runtime: Runtime, origin: Origin, role: str, *, dies_with_parent: bool) -> None:
    """Do what every child does first: close what is not its own, forget the parent's signals, end with its parent."""
    for end in origin.inherited:
        end.close()
    logs.configure(runtime.conf.log_level)
    _reset_signals()
    if dies_with_parent:
        _die_with_parent(origin)
    _ = runtime.reporters  # those of a fork are there already
    runtime.hooks.after_fork(role)
    runtime.hooks.ready(runtime.conf)
    runtime.hooks.post_spawn(role, origin.name, os.getpid())


def _reset_signals() -> None:
    """Forget every handler of the parent; SIGINT and SIGTERM are the Cluster's to answer."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)


def _die_with_parent(origin: Origin) -> None:
    """End when the sentinel does, even in the middle of a task: by the kernel on Linux, elsewhere by a thread."""
    if sys.platform != "linux" or origin.start_method == "forkserver":
        threading.Thread(target=_watch_parent, name="parent", daemon=True).start()
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != origin.parent:
        os._exit(1)


def _watch_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


def _ignore(number: int, frame: object) -> None:
    """Leave the signal to the Cluster."""
