"""Labelled frames of many molecules, padded to a few shapes, with their neighbour pairs found once."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import NeighbourPairs
from explorer.system import System
from explorer.train.bootstrap import members_trained_on
from explorer.train.buckets import FEW_SHAPES, PaddedShape, assign_shapes, choose_shapes
from explorer.train.torques import TorsionAxes, find_torsion_axes


class Labels(NamedTuple):
    """Reference values of frames, on the host or on the device."""

    energy: Float[np.ndarray | Array, "*B"]  # eV, without atomic energies
    forces: Float[np.ndarray | Array, "*B N 3"]  # eV/Å, zero on padding


class FrameBatch(NamedTuple):
    """One frame, or several frames of one shape with a leading axis of every leaf."""

    system: System
    pairs: NeighbourPairs
    axes: TorsionAxes
    labels: Labels
    trained_members: Bool[np.ndarray | Array, "*B M"]  # the members of the committee that train on the frame


class Bucket(NamedTuple):
    """All frames that are padded to one shape, in float32 on the host."""

    frames: FrameBatch
    index: Int[np.ndarray, "B"]  # number of each frame in the order of the molecules

    def __len__(self) -> int:
        return len(self.index)

    def batches(self, size: int) -> Iterator[tuple[FrameBatch, Int[np.ndarray, "n"]]]:
        """Yield batches of a fixed size and the indices of their frames.

        The last batch is filled with copies of its last frame; the indices do not include these.

        Args:
            size: Number of frames of each batch.
        """
        for start in range(0, len(self), size):
            selected = np.minimum(np.arange(start, start + size), len(self) - 1)
            yield jax.tree.map(lambda leaf, i=selected: leaf[i], self.frames), self.index[start : start + size]


class _Frame(NamedTuple):
    numbers: Int[np.ndarray, "N"]
    charge: int
    positions: Float[np.ndarray, "N 3"]
    first: Int[np.ndarray, "P"]
    second: Int[np.ndarray, "P"]
    axes: TorsionAxes
    energy: float
    forces: Float[np.ndarray, "N 3"]
    trained_members: Bool[np.ndarray, "M"]


def fill_buckets(molecules: dict[str, MoleculeData], hp: Hyperparameters, n_shapes: int = FEW_SHAPES) -> list[Bucket]:
    """Pad all frames to a few shapes.

    Args:
        molecules: Labelled frames by molecule.
        hp: Hyperparameters of the network; its cutoff, atomic energies and number of members are used.
        n_shapes: Largest number of shapes.

    Returns:
        One bucket for each shape that has frames.
    """
    frames = [frame for data in molecules.values() for frame in _frames(data, hp)]
    if not frames:
        return []
    sizes = np.array([len(f.numbers) for f in frames]), np.array([len(f.first) for f in frames])
    shapes = choose_shapes(*sizes, n_shapes)
    shape_of_frame = assign_shapes(shapes, *sizes)
    groups = [(shape, np.flatnonzero(shape_of_frame == k)) for k, shape in enumerate(shapes)]
    return [Bucket(_stack([frames[i] for i in index], shape), index) for shape, index in groups if len(index)]


def total_atomic_energy(atomic_numbers: Int[np.ndarray, "N"], hp: Hyperparameters) -> float:
    """Return the sum of the atomic energies of a molecule, which is subtracted from its labels, eV.

    Args:
        atomic_numbers: Atomic number of each atom.
        hp: Hyperparameters of the network; 0 is returned if they have no atomic energies.
    """
    if not hp.atomic_energies:
        return 0.0
    return float(np.dot([(atomic_numbers == z).sum() for z in hp.trained_elements], hp.atomic_energies))


def _frames(data: MoleculeData, hp: Hyperparameters) -> list[_Frame]:
    first, second = np.triu_indices(len(data.atomic_numbers), k=1)
    axes = find_torsion_axes(data.bonds, len(data.atomic_numbers))
    shift = total_atomic_energy(data.atomic_numbers, hp)
    members = {name: members_trained_on(name, hp.n_members) for name in np.unique(data.conformer).tolist()}
    frames = []
    for k, positions in enumerate(data.positions):
        near = ((positions[first] - positions[second]) ** 2).sum(axis=-1) < hp.cutoff**2
        frames.append(
            _Frame(
                numbers=data.atomic_numbers,
                charge=int(data.total_charge),
                positions=positions - positions.mean(axis=0),
                first=first[near],
                second=second[near],
                axes=axes,
                energy=float(data.energy[k]) - shift,
                forces=data.forces[k],
                trained_members=members[str(data.conformer[k])],
            )
        )
    return frames


def _stack(frames: list[_Frame], shape: PaddedShape) -> FrameBatch:
    n, p = shape

    def scalars(values: list[int] | list[float]) -> Any:  # typed as Any: the fields are declared as device arrays
        return np.array(values, np.float32)

    def padded(values: Sequence[np.ndarray | Array], size: int, dtype: type) -> Any:
        result = np.zeros((len(values), size, *values[0].shape[1:]), dtype)
        for part, value in zip(result, values, strict=True):
            part[: len(value)] = value
        return result

    system = System(
        atomic_numbers=padded([f.numbers for f in frames], n, np.int32),
        positions=padded([f.positions for f in frames], n, np.float32),
        total_charge=scalars([f.charge for f in frames]),
        num_unpaired_electrons=scalars([0] * len(frames)),
        atom_mask=padded([f.numbers > 0 for f in frames], n, bool),
    )
    pairs = NeighbourPairs(
        padded([f.first for f in frames], p, np.int32),
        padded([f.second for f in frames], p, np.int32),
        padded([np.ones(len(f.first), bool) for f in frames], p, bool),
    )
    n_axes = max(len(f.axes.ends) for f in frames)
    axes = TorsionAxes(
        padded([f.axes.ends for f in frames], n_axes, np.int32),
        padded([_widened(f.axes.moved, n) for f in frames], n_axes, bool),
    )
    labels = Labels(scalars([f.energy for f in frames]), padded([f.forces for f in frames], n, np.float32))
    return FrameBatch(system, pairs, axes, labels, np.array([f.trained_members for f in frames]))


def _widened(moved: Bool[np.ndarray | Array, "A N"], n_atoms: int) -> Bool[np.ndarray, "A n"]:
    """Return which atoms each axis moves, with columns for padded atoms."""
    return np.concatenate([moved, np.zeros((len(moved), n_atoms - moved.shape[1]), bool)], axis=1)
