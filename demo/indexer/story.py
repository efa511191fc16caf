"""The demo from its first line to its last: prepare, start a cluster, queue, watch, report, stop."""

from __future__ import annotations

import platform
import sys
import sysconfig
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from djq_core.tasks import count_group
from indexer import cluster, pages, tasks
from indexer.analysis import find_sources
from indexer.models import IndexRun

START_SECONDS = 30.0
LOOK_SECONDS = 0.2
REPORT_SECONDS = 30.0

console = Console(highlight=False)


def tell(folder: Path) -> int:
    """Run the demo over a folder and return its exit code."""
    var = Path(settings.VAR)
    try:
        prepare(var)
        files = choose_files(folder)
        with cluster.started(var / "qcluster.log") as running:
            run = work(running, folder, files)
            stop(running)
    except cluster.ClusterFailed as error:
        console.print(f"[red]✗[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("[yellow]Interrupted; the cluster has been stopped[/]")
        return 130
    pages.print_ending(console, run, short(var / "demo.sqlite3"))
    return 0


def prepare(var: Path) -> None:
    """Make an empty database: every demo begins from nothing."""
    console.rule("[bold]djq: a task queue for Django")
    var.mkdir(parents=True, exist_ok=True)
    for leftover in var.glob("demo.sqlite3*"):
        leftover.unlink()
    call_command("migrate", verbosity=0)
    say(f"Migrated a new SQLite database, [bold]{short(Path(connection.settings_dict['NAME']))}[/]")


def choose_files(folder: Path) -> list[Path]:
    """Return the files to index; at least one of them cannot be parsed, so that a failure can be seen."""
    files = find_sources(folder)
    say(f"Found [bold]{len(files):,}[/] source files of Python {platform.python_version()} in [bold]{folder}[/]")
    stranger = find_stranger(folder)
    if stranger is not None:
        say(f"Added [bold]{stranger.name}[/], which is compiled and no source: it must fail")
        files.append(stranger)
    return files


def find_stranger(folder: Path) -> Path | None:
    """Return a compiled file where no source fails: Debian ships Python without its tests and their bad examples."""
    if folder != Path(sysconfig.get_path("stdlib")).resolve() or any((folder / "test").glob("**/bad*.py")):
        return None
    compiled = sorted((folder / "lib-dynload").glob("*.so"))
    return compiled[0] if compiled else Path(sys.executable).resolve()


def work(running: cluster.RunningCluster, folder: Path, files: list[Path]) -> IndexRun:
    """Queue one task per file, watch them being done, and print the report."""
    running.wait_for(" running.", START_SECONDS)
    say(f"Started a cluster: [bold]manage.py qcluster[/], process {running.process.pid}, log in {short(running.log)}")
    promise = running.wait_for(f"{running.process.pid}: ", START_SECONDS)
    say(f"It promises: {promise.partition('; ')[2]}")
    run = tasks.start_run(folder, files)
    began = time.monotonic()
    with progress() as bars:
        queued = bars.add_task("queued", total=run.files)
        done = bars.add_task("done", total=run.files)
        for number, _ in enumerate(tasks.enqueue(run, files), 1):
            bars.update(queued, completed=number)
            if number % 50 == 0:
                bars.update(done, completed=count_group(run.group))
        watch(running, run, bars, done)
    seconds = time.monotonic() - began
    run = wait_for_report(running, run)
    pages.print_report(console, run, seconds)
    console.print()
    return run


def progress() -> Progress:
    """Return the bars that are shown while the cluster works."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:>6}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


def watch(running: cluster.RunningCluster, run: IndexRun, bars: Progress, bar: TaskID) -> None:
    """Move the bar until every task has a result."""
    count = 0
    while count < run.files:
        running.check()
        time.sleep(LOOK_SECONDS)
        count = count_group(run.group)
        bars.update(bar, completed=count)


def wait_for_report(running: cluster.RunningCluster, run: IndexRun) -> IndexRun:
    """Return the run once the hook of its last task has written the report."""
    until = time.monotonic() + REPORT_SECONDS
    while run.finished is None:
        running.check()
        if time.monotonic() > until:
            raise cluster.ClusterFailed(f"no hook wrote the report\n{running.last_lines(30)}")
        time.sleep(LOOK_SECONDS)
        run.refresh_from_db()
    return run


def stop(running: cluster.RunningCluster) -> None:
    """Stop the cluster as an operator does and tell how it went."""
    code = running.stop()
    if code != 0 or running.has_leftovers():
        raise cluster.ClusterFailed(f"qcluster stopped with {code}, or left processes\n{running.last_lines(30)}")
    say("Sent SIGTERM to the cluster: it stopped with exit code 0, and no process is left")


def short(path: Path) -> str:
    """Return a path as it reads from the checkout's folder."""
    checkout = Path(settings.BASE_DIR).parent
    return str(path.relative_to(checkout)) if path.is_relative_to(checkout) else str(path)


def say(text: str) -> None:
    """Print one step of the story."""
    console.print(f"[green]✓[/] {text}", soft_wrap=True)
