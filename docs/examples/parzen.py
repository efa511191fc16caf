"""What the two examples of groups compute: the density of a sample at a point, by Parzen windows (manual 1.15.6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: The densities of a standard normal distribution in two dimensions at its middle: 1 / (2 π).
TRUE_DENSITY = 1 / (2 * np.pi)


def estimate(sample: Array, point: Array, width: float) -> tuple[float, float]:
    """Return the width of a window, and the share of a sample inside the window around a point, by its area."""
    inside = np.all(np.abs((sample - point) / width) <= 0.5, axis=1)
    return width, float(inside.mean() / width ** len(point))


def problem(size: int = 2_000, windows: int = 100) -> list[tuple[Array, Array, float]]:
    """Return the arguments of as many estimates as there are windows, over one sample."""
    sample = np.random.default_rng(7).multivariate_normal([0, 0], [[1, 0], [0, 1]], size)
    return [(sample, np.zeros(2), float(width)) for width in np.linspace(1.0, 1.2, windows)]


def tell(estimates: list[tuple[float, float]]) -> None:
    """Print what came out."""
    width, density = min(estimates, key=lambda each: abs(each[1] - TRUE_DENSITY))
    print(f"{len(estimates)} estimates; the best is {density:.3f} with a window of {width:.2f}")
