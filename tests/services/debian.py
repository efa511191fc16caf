"""Servers that no wheel brings: Debian packages, installed once for all test processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds to wait for another run of apt.
PATIENCE = 100


class NotInstalled(Exception):
    """A program is not here and cannot be installed by the tests."""


def program(name: str, package: str) -> str:
    """Return the path of a program, installing the Debian package that brings it where the tests run as root.

    The package should be one that brings no service: whatever it brings is started as if by hand. Raises NotInstalled
    with the reason.
    """
    if found := _find(name):
        return found
    _refuse_where_impossible(name, package)
    with _alone():
        if not _find(name):
            _install(package)
    if found := _find(name):
        return found
    raise NotInstalled(f"no {name}: the package {package} did not bring it")


def _find(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def _refuse_where_impossible(name: str, package: str) -> None:
    if not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        raise NotInstalled(f"no {name}: install it from your system's packages")
    if os.geteuid() != 0:
        raise NotInstalled(f"no {name}: only root can install it. Run: sudo apt-get install {package}")


@contextmanager
def _alone() -> Iterator[None]:
    """Let one test process at a time install something."""
    lock = os.open("/var/cache/apt", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _install(package: str) -> None:
    """Install a package; where the lists are missing or old, after they were read anew."""
    command = ["install", "-y", "--no-install-recommends", package]
    if _apt(*command) and (complaint := _apt("update") or _apt(*command)):
        raise NotInstalled(f"apt-get could not install {package}: {complaint}")


def _apt(*arguments: str) -> str:
    """Run apt-get and return what it complained of, nothing when it succeeded."""
    done = subprocess.run(
        ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={PATIENCE}", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout[-500:] or f"exit code {done.returncode}"
