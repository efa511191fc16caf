"""Shell commands as tasks, by the functions of Python's subprocess module (manual 1.15.5).

Run it: python shell_commands.py
"""

from __future__ import annotations

import sys
from subprocess import PIPE

import example_site

example_site.set_up()

from djq_core.tasks import async_task, result
from example_settings import VAR


def main() -> None:
    """Copy a file, list a folder, and run Python, each in the cluster."""
    example_site.begin()
    (VAR / "notes.txt").write_text("Nothing is lost.\n")
    with example_site.cluster():
        # the exit code alone
        task_id = async_task("subprocess.call", ["cp", str(VAR / "notes.txt"), str(VAR / "notes.bak")])
        print("cp ended with", result(task_id, wait=20_000))
        # what a command prints, as bytes
        task_id = async_task("subprocess.check_output", ["ls", str(VAR)])
        print("there is", [name for name in result(task_id, wait=20_000).decode().split() if "notes" in name])
        # everything: the arguments, the exit code and the output
        task_id = async_task("subprocess.run", [sys.executable, "-c", "print(6 * 7)"], stdout=PIPE, text=True)
        done = result(task_id, wait=20_000)
        print(f"python ended with {done.returncode} and said {done.stdout.strip()}")


if __name__ == "__main__":
    main()
