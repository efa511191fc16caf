"""The demo: index Python's standard library through a real cluster, watch it, and print the report.

    python run.py [FOLDER]

FOLDER holds the sources, by default the standard library of the interpreter that runs this.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path


def main() -> int:
    """Run the whole story and return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_site.settings")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a terminated demo still stops its cluster

    import django

    django.setup()

    from indexer import story

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("stdlib")).resolve()
    return story.tell(folder)


if __name__ == "__main__":
    sys.exit(main())
