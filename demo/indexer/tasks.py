"""The job: queue a folder, index one file, write the report when the last file is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from djq_core.models import Task
from djq_core.tasks import async_task, count_group, fetch_group
from indexer.analysis import SourceFacts, read_facts, summarize
from indexer.models import IndexRun


def start_run(folder: Path, files: Sequence[Path]) -> IndexRun:
    """Remember a new run over these files."""
    return IndexRun.objects.create(group=f"index-{uuid4().hex[:8]}", folder=str(folder), files=len(files))


def enqueue(run: IndexRun, files: Sequence[Path]) -> Iterator[str]:
    """Queue one task per file and yield the id of each."""
    for path in files:
        yield async_task(index_file, str(path), group=run.group, hook=write_report)


def index_file(path: str) -> SourceFacts:
    """Index one file: this is what runs in the workers."""
    return read_facts(Path(path))


def write_report(task: Task) -> None:
    """Write the report of a run after the last of its tasks: the hook, called once for every task that ends."""
    run = IndexRun.objects.get(group=task.group)
    if count_group(run.group) < run.files:
        return
    with transaction.atomic():
        # Results are saved in batches, so that several hooks may find the run complete: the first one takes it.
        if IndexRun.objects.filter(pk=run.pk, finished=None).update(finished=timezone.now()):
            tasks = fetch_group(run.group)
            facts = [task.result for task in tasks if task.success]
            failures = {task.args[0]: task.result for task in tasks if not task.success}
            IndexRun.objects.filter(pk=run.pk).update(report=summarize(facts, failures, Path(run.folder)))
