"""The same with one call: an iterable of arguments gives one list of results (manual 1.15.6).

Run it: python parzen_iter.py
"""

from __future__ import annotations

import example_site

example_site.set_up()

import parzen
from djq_core.tasks import async_iter, result


def main() -> None:
    """Let the cluster estimate, and wait for the one result."""
    example_site.begin()
    with example_site.cluster():
        task_id = async_iter(parzen.estimate, parzen.problem(), cached=True)
        parzen.tell(result(task_id, wait=50_000, cached=True))


if __name__ == "__main__":
    main()
