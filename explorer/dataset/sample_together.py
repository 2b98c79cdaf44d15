"""Sampling of many starts at a time on a network: relaxations, dynamics, and geometries far from minima."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from explorer.dataset.batched_paths import relax_together, run_together
from explorer.dataset.displacements import (
    MovableParts,
    contact,
    is_possible,
    movable_parts,
    moved_hydrogen,
    stiffness_matrix,
    thermally_displaced,
    turned,
)
from explorer.dataset.network_reference import NetworkReference, SingleStructure
from explorer.dataset.parts import SampledFrame, save_part
from explorer.dataset.recipe import MoleculeRecipe
from explorer.dataset.rounding import FORCE_GRID, POSITION_GRID, on_grid
from explorer.dataset.second_opinion import SecondOpinion
from explorer.dataset.starts import conformer_name, torsion_driven_start
from explorer.io.build import from_rdkit
from explorer.records.molecule import Molecule

_RELAXATION_FRAMES = (0, 1, 2, 4, 7, 12, 20)  # steps of a relaxation that are kept, and the last one; not tuned
_DESCENT_FRAMES = (1, 2, 4, 7)  # steps downhill from a clash that are kept; not tuned
_SHELL_TEMPERATURES = (10.0, 30.0, 100.0)  # K, of displacements near a minimum, in turn; not tuned
_ATTEMPTS = 4  # per geometry that is wanted


class Start(NamedTuple):
    """One start to sample and the file of its frames."""

    entry: MoleculeRecipe
    number: int
    mol: Chem.Mol
    path: Path


class Networks(NamedTuple):
    """The network that samples, in single precision, and the one that labels."""

    sampler: NetworkReference
    labeller: NetworkReference


@dataclass
class _Row:
    """A start while it is sampled."""

    start: Start
    molecule: Molecule
    parts: MovableParts
    rng: np.random.Generator
    structure: SingleStructure
    hessian: Float[np.ndarray, "3N 3N"]
    frames: list[tuple[str, Float[np.ndarray, "N 3"]]] = field(default_factory=list)
    conformer: str = ""

    @property
    def temperature(self) -> float:
        entry = self.start.entry
        temperatures = entry.sampling.temperatures
        # most molecules have fewer starts than there are temperatures
        return temperatures[(self.start.number + crc32(entry.key.encode())) % len(temperatures)]

    def add(self, stage: str, frames: Sequence[Float[np.ndarray, "N 3"]]) -> None:
        possible = is_possible(self.parts, np.array(frames)) if len(frames) else []
        self.frames += [(stage, frame) for frame, ok in zip(frames, possible, strict=True) if ok]


def sample_together(starts: Sequence[Start], networks: Networks, second: SecondOpinion, seed: int) -> None:
    """Sample and label several starts, and write one file for each.

    Starts of one block share each call of the network, and a start whose structure cannot be built gets a file with
    the reason.

    Args:
        starts: Starts of any molecules with the same settings of the sampling.
        networks: Networks that sample and label.
        second: Second method, which decides about doubtful frames.
        seed: Seed of the recipe.
    """
    rows: list[_Row] = []
    for start in starts:
        try:
            rows.append(_row(start, seed))
        except Exception as error:  # RDKit has exceptions of its own; the reason is stored with the start
            _save(start, [], {"failures": [f"{type(error).__name__}: {error}"]})
    _sample(rows, networks.sampler)
    labels = iter(networks.labeller.evaluate([_labelled_at(r, x) for r in rows for _, x in r.frames]))
    for row in rows:
        frames, failures = [], []
        for (stage, positions), (energy, forces) in zip(row.frames, labels, strict=False):
            if np.isfinite(energy) and np.isfinite(forces).all():
                at = _labelled_at(row, positions).positions
                frames.append(SampledFrame(at, energy, on_grid(forces, FORCE_GRID), stage, row.conformer))
            else:
                failures.append(f"{stage}: the energy is not finite")
        kept, checks = second.keep(row.structure, frames)
        _save(row.start, kept, {"failures": failures, **checks})


def _row(start: Start, seed: int) -> _Row:
    rng = np.random.default_rng([seed, start.number, *start.entry.key.encode()])
    positions = torsion_driven_start(start.mol, start.entry.sampling.cis_probability, rng)
    molecule = from_rdkit(start.mol, positions, name=start.entry.name, source=start.entry.smiles)
    structure = SingleStructure(molecule.atomic_numbers, molecule.total_charge, 0, positions)
    return _Row(start, molecule, movable_parts(molecule), rng, structure, stiffness_matrix(molecule, positions))


def _sample(rows: Sequence[_Row], sampler: NetworkReference) -> None:
    if not rows:
        return
    sampling = rows[0].start.entry.sampling
    paths = relax_together(
        sampler.evaluate, [r.structure for r in rows], [r.hessian for r in rows], sampling.n_relaxation, sampling.fmax
    )
    for row, path in zip(rows, paths, strict=True):
        path = path or [row.structure.positions]
        row.add("relaxation", _picked(path, _RELAXATION_FRAMES))
        row.structure = row.structure._replace(positions=path[-1])
        name = conformer_name(row.start.mol, path[-1])
        row.conformer = f"{row.start.number}{name}" if name[0] == "|" else name
        row.add("shell", list(_shells(row, sampling.n_shells)))
        row.add(f"modes-{row.temperature:.0f}", list(_modes(row, sampling.n_modes)))
    minima = [r.structure for r in rows]
    temperatures = [r.temperature for r in rows]
    length = sampling.n_steps, sampling.stride, sampling.time_step
    trajectories = run_together(sampler.evaluate, minima, temperatures, *length, [r.rng for r in rows])
    for row, path in zip(rows, trajectories, strict=True):
        row.add(f"dynamics-{row.temperature:.0f}", path)
        row.add("turn", list(_turns(row, path, sampling.n_turns)))
        row.add("hydrogen", list(_far(moved_hydrogen, row, path, sampling.n_hydrogens)))
        row.add("contact", list(_far(contact, row, path, sampling.n_contacts)))
    _descend(rows, sampler, sampling.n_descents)


def _descend(rows: Sequence[_Row], sampler: NetworkReference, n: int) -> None:
    """Relax the tightest geometries for a few steps: the ways out of clashes, where a search leaves them."""
    chosen = [
        (row, row.structure._replace(positions=frame))
        for row in rows
        for frame in [x for stage, x in row.frames if stage in ("turn", "hydrogen")][:n]
    ]
    hessians = [row.hessian for row, _ in chosen]
    paths = relax_together(sampler.evaluate, [s for _, s in chosen], hessians, max(_DESCENT_FRAMES), 0.0)
    for (row, _), path in zip(chosen, paths, strict=True):
        row.add("descent", [path[k] for k in _DESCENT_FRAMES if k < len(path)])


def _shells(row: _Row, n: int) -> Iterator[Float[np.ndarray, "N 3"]]:
    for k in range(n):
        temperature = _SHELL_TEMPERATURES[k % len(_SHELL_TEMPERATURES)]
        yield thermally_displaced(row.hessian, row.structure.positions, temperature, row.rng)


def _modes(row: _Row, n: int) -> Iterator[Float[np.ndarray, "N 3"]]:
    for _ in range(n):
        yield thermally_displaced(row.hessian, row.structure.positions, row.temperature, row.rng)


def _turns(row: _Row, path: Sequence[np.ndarray], n: int) -> Iterator[Float[np.ndarray, "N 3"]]:
    """Every other turn goes into the tightest contact."""
    for k in range(n):
        frame = turned(row.parts, _origin(row, path), k % 2 == 0, row.rng)
        if frame is not None:
            yield frame


def _far(make, row: _Row, path: Sequence[np.ndarray], n: int) -> Iterator[Float[np.ndarray, "N 3"]]:
    for _ in range(n):
        attempts = (make(row.parts, _origin(row, path), row.rng) for _ in range(_ATTEMPTS))
        frame = next((one for one in attempts if one is not None), None)
        if frame is not None:
            yield frame


def _origin(row: _Row, path: Sequence[np.ndarray]) -> Float[np.ndarray, "N 3"]:
    """The minimum, or one in two times a frame of the dynamics."""
    return path[int(row.rng.integers(len(path)))] if len(path) and row.rng.random() < 0.5 else row.structure.positions


def _picked(path: Sequence[np.ndarray], steps: Sequence[int]) -> list[Float[np.ndarray, "N 3"]]:
    return [path[k] for k in sorted({*(s for s in steps if s < len(path)), len(path) - 1})]


def _labelled_at(row: _Row, positions: Float[np.ndarray, "N 3"]) -> SingleStructure:
    """The structure as it is stored: centred, on the grid of positions."""
    at = on_grid(positions, POSITION_GRID)
    return row.structure._replace(positions=at - on_grid(at.mean(axis=0), POSITION_GRID))


def _save(start: Start, frames: list[SampledFrame], header: dict) -> None:
    numbers = np.array([a.GetAtomicNum() for a in start.mol.GetAtoms()])
    save_part(start.path, numbers, frames, {"molecule": start.entry.name, "start": start.number, **header})
