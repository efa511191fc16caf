"""The calls of Celery."""

from __future__ import annotations

from celery import Celery

from bench import work
from bench.inside.asking import rows, setting

app = Celery("bench")
app.config_from_object("django.conf:settings", namespace="CELERY")
#: Where it is 0, Celery closes the connection to the database around each task.
app.conf["CELERY_DB_REUSE_MAX"] = setting("DB_REUSE_MAX") or None


@app.task
def append(number: int, milliseconds: float) -> None:
    """Run the task."""
    work.append(number, milliseconds)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    append.delay(number, milliseconds)


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    with app.connection_for_read() as connection:
        client = connection.default_channel.client
        return int(client.llen("celery") + client.hlen("unacked"))


def stored() -> int:
    """Return how many results there are."""
    return rows("django_celery_results_taskresult") if setting("CELERY_RESULT_BACKEND") else 0
