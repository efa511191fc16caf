"""Servers as child processes that never outlive the tests, however those end."""

from __future__ import annotations

import ctypes
import functools
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Account:
    """The account a server runs under where root is refused."""

    name: str
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        """Give a folder, without what it holds, to the account."""
        os.chown(folder, self.uid, self.gid)


def unprivileged() -> Account | None:
    """Return ``nobody`` when the tests run as root, None when they need no other account."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def start(
    command: Sequence[str | Path],
    folder: Path,
    log: Path,
    *,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    on_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a server that is sent ``on_death`` when the test process ends in any way, kill -9 included (on Linux)."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_tie(on_death),  # noqa: PLW1509 - the one way to set it after the change of account
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def pause(process: subprocess.Popen[bytes]) -> None:
    """Let a child stand still, and return once it does: until then its other threads may answer."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> int:
    """End a server and return its exit code; kill it when it does not go."""
    process.send_signal(how)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _tie(number: signal.Signals) -> functools.partial[object] | None:
    if sys.platform != "linux":
        return None
    return functools.partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, int(number))
