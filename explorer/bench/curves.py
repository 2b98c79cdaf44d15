"""Pictures of the number of finds against force calls: thin lines for searches, a thick one for their median."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from explorer.files import write_atomically

_N_MEDIAN_POINTS = 200  # points of the median line; not tuned
Curve = tuple[Sequence[int], int]  # force calls at which each find was made, ascending; force calls spent


def counts_at(found_after: Sequence[int], calls: Float[np.ndarray, "n"]) -> np.ndarray:
    """Return the number of finds within each number of force calls.

    Args:
        found_after: Force calls at which each find was made, ascending.
        calls: Numbers of force calls.
    """
    return np.searchsorted(np.asarray(found_after), calls, side="right")


def draw(curves: Mapping[str, Sequence[Curve]], title: str, what: str, path: Path, total: int | None = None) -> Path:
    """Draw the curves with logarithmic axes, or as a share of `total` with linear ones.

    Args:
        curves: Curves of the searches of each program.
        title: Title of the picture.
        what: Label of the vertical axis.
        path: Path of the SVG file.
        total: Number of things that can be found; None for logarithmic axes.

    Returns:
        The path.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    factor = 1 if total is None else 1 / total
    for k, (name, searches) in enumerate(curves.items()):
        colour = f"C{k}"
        for found_after, spent in searches:
            counts = np.arange(1, len(found_after) + 1)
            steps = np.append(found_after, spent), np.append(counts, len(found_after)) * factor
            axes.plot(*steps, drawstyle="steps-post", color=colour, linewidth=0.6, alpha=0.6)
        shared = min(spent for _, spent in searches)
        calls = np.geomspace(10, shared, _N_MEDIAN_POINTS)
        median = np.median([counts_at(found_after, calls) for found_after, _ in searches], axis=0) * factor
        positive = median > 0
        axes.plot(calls[positive], median[positive], color=colour, linewidth=2, label=f"{name} ({len(searches)})")
    scale = "log" if total is None else "linear"
    axes.set(xscale=scale, yscale=scale, xlabel="force calls", ylabel=what)
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=8)
    with write_atomically(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
    return path
