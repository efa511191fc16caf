"""A group of tasks: a hundred estimates, collected by their label from the cache (manual 1.15.6).

Run it: python parzen_group.py
"""

from __future__ import annotations

import example_site

example_site.set_up()

import parzen
from djq_core.tasks import async_task, delete_group, result_group


def main() -> None:
    """Let the cluster estimate, and wait until all have come."""
    example_site.begin()
    delete_group("parzen", tasks=True, cached=True)  # what an earlier run has left
    calls = parzen.problem()
    with example_site.cluster():
        for arguments in calls:
            async_task(parzen.estimate, *arguments, group="parzen", cached=True)
        parzen.tell(result_group("parzen", count=len(calls), wait=50_000, cached=True))


if __name__ == "__main__":
    main()
