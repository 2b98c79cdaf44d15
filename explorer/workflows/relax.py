"""Relaxation of structures from a file, batched where they are conformers of one molecule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import RelaxResult, ending, make_relaxer, relax_many
from explorer.relax.tight import tightened
from explorer.system import system_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch

Count = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class RelaxedStructure:
    """One relaxed structure of a file."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    n_evaluations: int
    status: str
    structure_class: str


def relax_structures(
    molecules: Sequence[Molecule], settings: Settings, method: str = "auto", progress: Count | None = None
) -> list[RelaxedStructure]:
    """Relax structures, batched where they are conformers of one molecule.

    Args:
        molecules: in any order; consecutive ones with the same bonds make a batch.
        settings: potential, precision, convergence.
        method: of the relaxer, see `make_relaxer`.
        progress: called with (done, total).
    """
    relaxed: list[RelaxedStructure] = []
    for group in _conformer_groups(molecules):
        done = len(relaxed)

        def report(k: int, n: int, done: int = done) -> None:
            if progress is not None:
                progress(done + k, len(molecules))

        positions = np.stack([m.positions for m in group])
        result = _quench(group[0], settings, positions, method, report)
        classes = classify_batch(topology_of(group[0]), np.asarray(result.positions, float))
        for k, found in enumerate(classes):
            status = ending(int(result.status[k]), int(result.fallback[k]))
            energy, fmax, n = float(result.energy[k]), float(result.fmax[k]), int(result.n_steps[k])
            relaxed.append(
                RelaxedStructure(
                    np.asarray(result.positions[k], float), energy, fmax, n, status, found.structure_class.value
                )
            )
    return relaxed


def relax_tightly(
    molecule: Molecule, settings: Settings, positions: Float[np.ndarray, "n N 3"], progress: Count | None = None
) -> RelaxResult:
    """Relax to 1e-4 eV/Å in float64: to check minima, not to find them.

    Args:
        molecule: any conformer.
        settings: of the run; its potential is used.
        positions: Å.
        progress: called with (done, total).
    """
    return _quench(molecule, tightened(settings, molecule.n_atoms), positions, "auto", progress)


def _quench(
    molecule: Molecule, settings: Settings, positions: Float[np.ndarray, "n N 3"], method: str, progress: Count | None
) -> RelaxResult:
    potential, _ = potential_of(settings, molecule)
    relaxer = make_relaxer(molecule, settings.relax, method)
    system = system_of(molecule, jnp.dtype(settings.precision))
    return relax_many(potential, relaxer, system, positions, batch=32, progress=progress)


def _conformer_groups(molecules: Sequence[Molecule]) -> list[list[Molecule]]:
    groups: list[list[Molecule]] = []
    for molecule in molecules:
        if groups and _same_bonds(groups[-1][0], molecule):
            groups[-1].append(molecule)
        else:
            groups.append([molecule])
    return groups


def _same_bonds(a: Molecule, b: Molecule) -> bool:
    return (
        np.array_equal(a.atomic_numbers, b.atomic_numbers)
        and np.array_equal(a.bonds, b.bonds)
        and a.total_charge == b.total_charge
    )
