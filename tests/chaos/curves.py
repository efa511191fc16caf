"""The curves of a soak: processes, descriptors and memory of its clusters over time, as JSON and as a picture."""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.harness import procs

#: What is drawn, by the name of the figure.
AXES: Mapping[str, str] = {
    "processes": "processes",
    "descriptors": "open descriptors",
    "mebibytes": "memory (PSS), MiB",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one cluster."""

    second: float
    processes: int
    descriptors: int
    mebibytes: float


class Sampler:
    """Looks at clusters again and again, in a thread, for as long as the context lasts."""

    def __init__(self, sessions: Mapping[str, Callable[[], int]], every: float) -> None:
        """``sessions`` gives for each cluster, by name, the session that it has just now; ``every`` is in seconds."""
        self.samples: dict[str, list[Sample]] = {name: [] for name in sessions}
        self._sessions = sessions
        self._every = every
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._every):
            for name, session in self._sessions.items():
                self.samples[name].append(self._look(session()))

    def _look(self, session: int) -> Sample:
        return Sample(
            round(time.monotonic() - self._began, 1),
            len(procs.session_of(session)),
            procs.descriptors_of(session),
            round(procs.memory_of(session) / (1 << 20), 1),
        )


def growth(samples: Sequence[Sample], figure: str) -> float:
    """Return the median of a figure in the last quarter of a run as a share of that in the second quarter."""
    quarter = max(1, len(samples) // 4)
    values = [getattr(sample, figure) for sample in samples]
    return float(statistics.median(values[-quarter:]) / statistics.median(values[quarter : 2 * quarter]))


def keep(path: Path, vendor: str, samples: Mapping[str, Sequence[Sample]]) -> None:
    """Write the curves of one broker into a file, in place of older ones."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[vendor] = {name: [list(asdict(sample).values()) for sample in each] for name, each in samples.items()}
    path.write_text(json.dumps(known, sort_keys=True) + "\n")


def draw(path: Path, picture: Path) -> None:
    """Draw all curves of a file: a column for each broker, a row for each figure."""
    from matplotlib.figure import Figure

    known: dict[str, dict[str, list[list[float]]]] = json.loads(path.read_text())
    figure = Figure(figsize=(4.6 * len(known), 7.0), layout="constrained")
    axes = figure.subplots(len(AXES), len(known), sharex="col", squeeze=False)
    for column, (vendor, clusters) in enumerate(sorted(known.items())):
        axes[0][column].set_title(vendor)
        axes[-1][column].set_xlabel("minutes")
        for row, label in enumerate(AXES.values()):
            _draw_one(axes[row][column], row + 1, label, clusters)
    figure.savefig(picture, dpi=90)


def _draw_one(axes: Any, field: int, label: str, clusters: Mapping[str, Sequence[Sequence[float]]]) -> None:
    for name, samples in sorted(clusters.items()):
        axes.plot([each[0] / 60 for each in samples], [each[field] for each in samples], label=name, linewidth=0.9)
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
