"""Labelled frames as a reader provides them: blocks of frames of one molecule, in the units of the file."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.label_units import LabelUnits


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameBlock:
    """Frames with the same atoms, in the units of the file; missing labels are NaN.

    Attributes:
        atomic_numbers: Atomic numbers, shape (N,).
        positions: Shape (F, N, 3).
        energy: Shape (F,).
        forces: Shape (F, N, 3).
        total_charge: Charge, e; None if the file does not tell.
        multiplicity: 2 S + 1; None if the file does not tell.
        name: Name of the molecule; empty if the file has none.
    """

    atomic_numbers: Int[np.ndarray, "N"]
    positions: Float[np.ndarray, "F N 3"]
    energy: Float[np.ndarray, "F"]
    forces: Float[np.ndarray, "F N 3"]
    total_charge: int | None = None
    multiplicity: int | None = None
    name: str = ""


@dataclass(eq=False, kw_only=True)
class FrameSource:
    """Labelled frames of a file.

    Attributes:
        layout: Name of the layout of the file.
        blocks: Blocks of frames, in the order of the file.
        stated: Units that the file states.
        usual: Units of the layout by convention, where the file states none; None where there is no convention.
        notes: What was chosen or left out, in sentences; a reader adds to it while it reads.
    """

    layout: str
    blocks: Iterator[FrameBlock]
    stated: LabelUnits | None = None
    usual: LabelUnits | None = None
    notes: list[str] = field(default_factory=list)


def block_of(
    atomic_numbers: Int[np.ndarray, "N"],
    positions: Float[np.ndarray, "F N 3"],
    energy: Float[np.ndarray, "F"] | None,
    forces: Float[np.ndarray, "F N 3"] | None,
    **properties: int | str | None,
) -> FrameBlock:
    """Make a block; labels that are None become NaN.

    Args:
        atomic_numbers: Atomic numbers.
        positions: In the unit of the file.
        energy: In the unit of the file.
        forces: In the unit of the file.
        properties: Charge, multiplicity and name.

    Raises:
        ValueError: If shapes do not belong together, or there is no such element.
    """
    numbers, positions = np.asarray(atomic_numbers, int), np.asarray(positions, float)
    n_frames = len(positions)
    labels = np.full(n_frames, np.nan) if energy is None else np.asarray(energy, float).reshape(n_frames)
    gradients = np.full_like(positions, np.nan) if forces is None else np.asarray(forces, float)
    if positions.shape != (n_frames, len(numbers), 3) or gradients.shape != positions.shape:
        raise ValueError(
            f"{len(numbers)} atoms have positions of shape {positions.shape} and forces of shape {gradients.shape}"
        )
    if not ((numbers >= 1) & (numbers <= 118)).all():
        wrong = numbers[(numbers < 1) | (numbers > 118)][0]
        raise ValueError(f"atomic numbers from 1 to 118 were expected, received {wrong}")
    return FrameBlock(
        atomic_numbers=numbers,
        positions=positions,
        energy=labels,
        forces=gradients,
        **properties,  # pyright: ignore[reportArgumentType]
    )
