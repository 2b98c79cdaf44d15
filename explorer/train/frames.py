"""Labelled frames of many molecules as rows of a few padded shapes, their pairs found once."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import NeighbourPairs
from explorer.system import System
from explorer.train.bootstrap import may_see
from explorer.train.buckets import FEW_SHAPES, Shape, choose_shapes, shape_of
from explorer.train.torques import Axes, find_axes


class Labels(NamedTuple):
    """Reference values of frames, on the host or on the device."""

    energy: Float[np.ndarray | Array, "*B"]  # eV, atomic energies subtracted
    forces: Float[np.ndarray | Array, "*B N 3"]  # eV/Å, zero on padding


class Rows(NamedTuple):
    """Frames of one shape; leaves have a leading axis where there are several."""

    system: System
    pairs: NeighbourPairs
    axes: Axes
    labels: Labels
    visible: Bool[np.ndarray | Array, "*B M"]  # to the members of a committee


class Bucket(NamedTuple):
    """All frames that are padded to one shape, float32 on the host."""

    rows: Rows
    index: Int[np.ndarray, "B"]  # of the frames in the order of the molecules

    def __len__(self) -> int:
        return len(self.index)

    def chunks(self, size: int) -> Iterator[tuple[Rows, Int[np.ndarray, "n"]]]:
        """So many rows at a time and the frames of the first of them; the last chunk is filled up with its last row."""
        for start in range(0, len(self), size):
            chosen = np.minimum(np.arange(start, start + size), len(self) - 1)
            yield jax.tree.map(lambda leaf, i=chosen: leaf[i], self.rows), self.index[start : start + size]


class _Frame(NamedTuple):
    numbers: Int[np.ndarray, "N"]
    charge: int
    positions: Float[np.ndarray, "N 3"]
    first: Int[np.ndarray, "P"]
    second: Int[np.ndarray, "P"]
    axes: Axes
    energy: float
    forces: Float[np.ndarray, "N 3"]
    visible: Bool[np.ndarray, "M"]


def fill_buckets(molecules: dict[str, MoleculeData], hp: Hyperparameters, n_shapes: int = FEW_SHAPES) -> list[Bucket]:
    """Buckets of all frames; empty ones are left out.

    Args:
        molecules: labelled frames.
        hp: of the network: cutoff, atomic energies, number of members.
        n_shapes: at most so many buckets.
    """
    frames = [frame for data in molecules.values() for frame in _frames(data, hp)]
    if not frames:
        return []
    sizes = np.array([len(f.numbers) for f in frames]), np.array([len(f.first) for f in frames])
    chosen = choose_shapes(*sizes, n_shapes)
    of_shape = shape_of(chosen, *sizes)
    groups = [(shape, np.flatnonzero(of_shape == k)) for k, shape in enumerate(chosen)]
    return [Bucket(_stack([frames[i] for i in index], shape), index) for shape, index in groups if len(index)]


def energy_shift(atomic_numbers: Int[np.ndarray, "N"], hp: Hyperparameters) -> float:
    """The sum of the atomic energies of a molecule, eV, which labels are given without."""
    if not hp.atomic_energies:
        return 0.0
    return float(np.dot([(atomic_numbers == z).sum() for z in hp.trained_elements], hp.atomic_energies))


def _frames(data: MoleculeData, hp: Hyperparameters) -> list[_Frame]:
    first, second = np.triu_indices(len(data.atomic_numbers), k=1)
    axes = find_axes(data.bonds, len(data.atomic_numbers))
    shift = energy_shift(data.atomic_numbers, hp)
    visible = {name: may_see(name, hp.n_members) for name in np.unique(data.conformer).tolist()}
    frames = []
    for k, positions in enumerate(data.positions):
        near = ((positions[first] - positions[second]) ** 2).sum(axis=-1) < hp.cutoff**2
        frames.append(
            _Frame(
                data.atomic_numbers,
                int(data.total_charge),
                positions - positions.mean(axis=0),
                first[near],
                second[near],
                axes,
                float(data.energy[k]) - shift,
                data.forces[k],
                visible[str(data.conformer[k])],
            )
        )
    return frames


def _stack(frames: list[_Frame], shape: Shape) -> Rows:
    n, p = shape

    def scalars(values: list[int] | list[float]) -> Any:  # what stands for a device's arrays on the host
        return np.array(values, np.float32)

    def rows(values: Sequence[np.ndarray | Array], size: int, dtype: type) -> Any:
        padded = np.zeros((len(values), size, *values[0].shape[1:]), dtype)
        for row, value in zip(padded, values, strict=True):
            row[: len(value)] = value
        return padded

    system = System(
        atomic_numbers=rows([f.numbers for f in frames], n, np.int32),
        positions=rows([f.positions for f in frames], n, np.float32),
        total_charge=scalars([f.charge for f in frames]),
        num_unpaired_electrons=scalars([0] * len(frames)),
        atom_mask=rows([f.numbers > 0 for f in frames], n, bool),
    )
    pairs = NeighbourPairs(
        rows([f.first for f in frames], p, np.int32),
        rows([f.second for f in frames], p, np.int32),
        rows([np.ones(len(f.first), bool) for f in frames], p, bool),
    )
    r = max(len(f.axes.ends) for f in frames)
    axes = Axes(
        rows([f.axes.ends for f in frames], r, np.int32),
        rows([np.pad(f.axes.moved, ((0, 0), (0, n - len(f.numbers)))) for f in frames], r, bool),
    )
    labels = Labels(scalars([f.energy for f in frames]), rows([f.forces for f in frames], n, np.float32))
    return Rows(system, pairs, axes, labels, np.array([f.visible for f in frames]))
