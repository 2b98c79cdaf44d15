"""Files `min.data` and `ts.data` of PATHSAMPLE, which pele, PyGT and disconnectionDPS read too.

A line of `min.data` has energy, ln Π ω² of the vibrations, order of the point group and the three moments of inertia.
A line of `ts.data` has two numbers of minima, from 1, before the moments.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.errors import InputError
from explorer.files import write_text
from explorer.units import SPEED_OF_LIGHT

MINIMA, SADDLES = "min.data", "ts.data"
_RADIANS_PER_SECOND = 2 * np.pi * SPEED_OF_LIGHT * 1e15  # of one cm⁻¹


class StationaryPoint(NamedTuple):
    """Line of one of the files.

    Attributes:
        energy: Energy, in any unit.
        log_product: ln Π ω² over the vibrations, without an imaginary one; ω in radians per unit of time.
        order: Order of the point group, over the number of mirror images that the structure stands for.
        moments: Principal moments of inertia.
        ends: Numbers of the minima of a saddle, from 1; empty for a minimum.
    """

    energy: float
    log_product: float
    order: float
    moments: Float[np.ndarray, "3"]
    ends: tuple[int, ...] = ()


def log_product_of_squares(wavenumbers: Float[np.ndarray, "n"]) -> float:
    """Compute ln Π ω² with ω in radians per second.

    Args:
        wavenumbers: Wavenumbers without imaginary ones, cm⁻¹.
    """
    return float(2 * np.log(_RADIANS_PER_SECOND * np.abs(wavenumbers)).sum())


def write_points(points: Sequence[StationaryPoint], path: Path) -> None:
    """Write one of the files.

    Args:
        points: Its lines.
        path: File to write.
    """
    lines = []
    for point in points:
        order = f"{point.order:g}"
        ends = "".join(f" {number:6d}" for number in point.ends)
        moments = " ".join(f"{moment:20.10f}" for moment in point.moments)
        lines.append(f"{point.energy:20.10f} {point.log_product:20.10f} {order:>5}{ends} {moments}\n")
    write_text("".join(lines), path)


def read_points(path: Path, n_ends: int) -> list[StationaryPoint]:
    """Read one of the files.

    Args:
        path: File to read.
        n_ends: Numbers of minima in a line: 0 in `min.data`, 2 in `ts.data`.

    Raises:
        InputError: When the file is missing or a line has too few numbers.
    """
    if not path.exists():
        raise InputError(f"{path} is missing. A database of PATHSAMPLE has {MINIMA} and {SADDLES}.")
    points = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            values = [float(text.lower().replace("d", "e")) for text in line.split()]
        except ValueError:
            values = []
        if not line.strip():
            continue
        if len(values) < 6 + n_ends:
            raise InputError(f"{path}, line {number}: {6 + n_ends} numbers were wanted, received {line.strip()!r}.")
        ends = tuple(int(one) for one in values[3 : 3 + n_ends])
        energy, log_product, order = values[:3]
        points.append(StationaryPoint(energy, log_product, order, np.array(values[3 + n_ends : 6 + n_ends]), ends))
    return points
