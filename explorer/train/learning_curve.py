"""Figure of the learning curve of a training."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from explorer.files import write_atomically

_PANELS = (
    ("forces", "force error (meV/Å)"),
    ("torques", "torque error (meV/rad)"),
    ("energy", "energy error (meV/atom)"),
)
_COLOURS = {"train": "#4477aa", "validation": "#ee6677"}


def write_learning_curve(path: Path, history: list[dict]) -> None:
    """Draw the mean absolute errors of training and validation against the epoch, with a logarithmic axis.

    Args:
        path: File to write, .svg or .png.
        history: One record per epoch; errors in eV/Å, eV/rad and eV per atom.
    """
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for source, colour in _COLOURS.items():
            values = [1000 * record[f"{source}_{quantity}"] for record in history]
            axes.semilogy([record["epoch"] + 1 for record in history], values, color=colour, label=source)
        axes.set(xlabel="epoch", ylabel=label)
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
        axes.grid(which="both", color="0.9")
        axes.legend(frameon=False)
    with write_atomically(path) as temporary:
        figure.savefig(temporary)
