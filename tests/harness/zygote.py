"""A process that has imported what every process of a site imports, and forks one whenever a test asks for it.

Python and Django take half a second of processor time to start, and the tests start a thousand processes. A fork of the
zygote is a process like any other: a session, a folder, an environment, files and a main module of its own.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

#: Nothing here needs settings. What is missing on a machine is passed over: the site that needs it will say so.
PRELOADED = (
    "arrow",
    "asyncio",
    "concurrent.futures",
    "django.core.cache.backends.filebased",
    "django.core.cache.backends.redis",
    "django.core.management",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.test.utils",
    "djq_core.apps",
    "djq_core.enqueue",
    "djq_core.results.cache_groups",
    "djq_core.runtime",
    "djq_core.schedules.declared",
    "djq_orm.broker",
    "djq_orm.plugin",
    "djq_redis.list_broker",
    "djq_redis.plugin",
    "djq_redis.receipts_broker",
    "faulthandler",
    "importlib_metadata._adapters",
    "multiprocessing.connection",
    "multiprocessing.context",
    "multiprocessing.popen_fork",
    "psutil",
    "pymysql",
)
PR_SET_PDEATHSIG = 1
#: The longest request: the environment is part of it.
MOST_BYTES = 1 << 20


def main(connection: socket.socket) -> None:
    """Fork whenever asked to; the children leave the loop and become what was asked for."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    gc.freeze()  # or each child, at its end at the latest, looks at all of this and so makes a copy of its own
    while wanted := _next_child(connection):
        request, files = wanted
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(request, files)
            return
        for file in files:
            os.close(file)
        connection.send(json.dumps(pid).encode())


def _next_child(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Answer what is asked about children until one is to be started; None at the end."""
    while True:
        text, files, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
        if not text:
            return None
        request = json.loads(text)
        if isinstance(request, dict):
            return request, files
        pid, status = os.waitpid(request, os.WNOHANG)
        connection.send(json.dumps(os.waitstatus_to_exitcode(status) if pid else None).encode())


def _become(request: dict[str, Any], files: list[int]) -> None:
    """Run a module as ``python -m`` would, with everything of its own.

    It leaves no bytecode behind, for settings that are written twice in a second would be read as they were first.
    """
    sys.dont_write_bytecode = True
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, request["on_death"])
    if os.getppid() != request["parent"]:
        os.kill(os.getpid(), signal.SIGKILL)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    places = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [request["folder"], *filter(None, places)]
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as to_the_test:
        main(to_the_test)
