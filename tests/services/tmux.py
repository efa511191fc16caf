"""A real terminal: tmux runs a command in it, is given keys, and tells what is on the screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import join

from tests.harness.waiting import wait_until
from tests.services import children, debian

#: Seconds that a command may take to show something, on a busy machine.
PATIENCE = 30.0


class Missing(Exception):
    """There is no tmux here."""


class Terminal:
    """One terminal with a command in it; its tmux server is on a socket of its own."""

    def __init__(self, program: str, folder: Path, socket: Path) -> None:
        self._command = [program, "-u", "-S", str(socket)]
        self._folder = folder

    def run(self, command: Sequence[str], columns: int, rows: int) -> None:
        """Start the command, and say with which exit code it ended."""
        line = f"{join(command)}; echo ended with $?; sleep 60"
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("new-session", "-d", "-s", "test", *size, "-c", str(self._folder), line)

    def screen(self, *, has_colours: bool = False) -> str:
        """Return what is on the screen, the blanks at the ends of lines left out."""
        return self._tmux("capture-pane", "-p", "-t", "test", *(("-e",) if has_colours else ()))

    def press(self, *keys: str) -> None:
        """Press keys, by their names in tmux."""
        self._tmux("send-keys", "-t", "test", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-t", "test", "-x", str(columns), "-y", str(rows))

    def wait_for(self, *texts: str, without: str | None = None, seconds: float = PATIENCE) -> str:
        """Wait until all texts are on the screen, and one is not; return the screen."""
        seen = [""]

        def is_there() -> bool:
            seen[0] = self.screen()
            return all(text in seen[0] for text in texts) and (without is None or without not in seen[0])

        wait_until(is_there, seconds, lambda: f"{texts} without {without!r} on the screen:\n{seen[0]}", 0.1)
        return seen[0]

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0, f"tmux {arguments[0]}: {done.stderr}"
        return done.stdout


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """Run a command in a terminal that ends with the tests; raises Missing."""
    try:
        program = debian.program("tmux", "tmux")
    except debian.NotInstalled as error:
        raise Missing(str(error)) from error
    place = Path(tempfile.mkdtemp(prefix="djq-tmux-"))  # short, for the path of a socket
    environment = {**os.environ, **environment, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    for name in ("TMUX", "NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    socket = place / "socket"
    start = [program, "-u", "-S", str(socket), "-f", "/dev/null", "-D"]
    server = children.start(start, place, place / "log", environment=environment)
    try:
        wait_until(socket.exists, PATIENCE, lambda: f"tmux listens: {(place / 'log').read_text()}")
        terminal = Terminal(program, folder, socket)
        terminal.run(command, columns, rows)
        yield terminal
    finally:
        children.stop(server)
        shutil.rmtree(place)
