"""The learning curve of a training as a picture."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

PANELS = (
    ("forces", "force error (meV/Å)"),
    ("torques", "torque error (meV/rad)"),
    ("energy", "energy error (meV/atom)"),
)
COLOURS = {"train": "#4477aa", "validation": "#ee6677"}


def write_learning_curve(path: Path, history: list[dict]) -> None:
    """Mean absolute errors of training and validation against the epoch, logarithmic.

    Args:
        path: .svg or .png.
        history: one record per epoch, errors in eV/Å and eV per atom.
    """
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for source, colour in COLOURS.items():
            values = [1000 * record[f"{source}_{quantity}"] for record in history]
            axes.semilogy([record["epoch"] + 1 for record in history], values, color=colour, label=source)
        axes.set(xlabel="epoch", ylabel=label)
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
        axes.grid(which="both", color="0.9")
        axes.legend(frameon=False)
    figure.savefig(path)
