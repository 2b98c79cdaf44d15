"""Relaxation of structures from a file, batched where they are conformers of one molecule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.relaxation.relaxer import RelaxResult, Status, ending, make_relaxer, relax_many
from explorer.relaxation.tight import tightened
from explorer.system import system_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.criteria import assess_relaxed, criteria_for

ReportCount = Callable[[int, int], None]
ReportStage = Callable[[str, int, int], None]  # with the name of the items


@dataclass(frozen=True, eq=False, kw_only=True)
class RelaxedStructure:
    """Relaxed structure of a file.

    Attributes:
        positions: Positions, Å.
        energy: Energy, eV.
        fmax: Largest force on an atom, eV/Å.
        n_evaluations: Number of force calls.
        status: Status of the relaxation, in words.
        structure_class: Structure class relative to the first structure of its batch.
        uncertainty: Uncertainty of the model; None where it is not estimated.
        exclusion: Why the model does not know the structure; empty where it does.
    """

    positions: Float[np.ndarray, "N 3"]
    energy: float
    fmax: float
    n_evaluations: int
    status: str
    structure_class: StructureClass
    uncertainty: UncertaintyEstimate | None
    exclusion: str


def relax_structures(
    molecules: Sequence[Molecule], settings: Settings, method: str = "auto", progress: ReportCount | None = None
) -> list[RelaxedStructure]:
    """Relax structures, in batches where they are conformers of one molecule.

    Args:
        molecules: Structures in any order; consecutive ones with the same bonds make a batch.
        settings: Potential, precision and convergence.
        method: Name of the relaxer, see `relax.relaxer.make_relaxer`.
        progress: Called with (relaxed, total).
    """
    relaxed: list[RelaxedStructure] = []
    for group in _conformer_groups(molecules):
        done = len(relaxed)

        def report(k: int, n: int, done: int = done) -> None:
            if progress is not None:
                progress(done + k, len(molecules))

        potential, info = potential_of(settings, group[0])
        starts = np.stack([molecule.positions for molecule in group])
        result = relax_positions(potential, group[0], settings, starts, method, report)
        positions, energies = np.asarray(result.positions, float), np.asarray(result.energy, float)
        classes = classify_batch(topology_of(group[0]), positions)
        converged = np.asarray(result.status) == Status.CONVERGED
        criteria = criteria_for(info, potential, group[0], settings, settings.precision)
        assessed = assess_relaxed(criteria, group[0].bonds, positions, energies, converged)
        relaxed += [
            RelaxedStructure(
                positions=np.asarray(result.positions[k], float),
                energy=float(result.energy[k]),
                fmax=float(result.fmax[k]),
                n_evaluations=int(result.n_steps[k]),
                status=ending(int(result.status[k]), int(result.fallback[k])),
                structure_class=classification.structure_class,
                uncertainty=assessed[k].uncertainty,
                exclusion=assessed[k].exclusion,
            )
            for k, classification in enumerate(classes)
        ]
    return relaxed


def relax_positions(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    positions: Float[np.ndarray, "n N 3"],
    method: str = "auto",
    progress: ReportCount | None = None,
) -> RelaxResult:
    """Relax structures of one molecule.

    Args:
        potential: Potential in the precision of the settings.
        molecule: Molecule; its positions are not used.
        settings: Precision and convergence.
        positions: Structures, Å.
        method: Name of the relaxer.
        progress: Called with (relaxed, total).
    """
    relaxer = make_relaxer(molecule, settings.relax, method)
    system = system_of(molecule, jnp.dtype(settings.precision))
    return relax_many(potential, relaxer, system, positions, progress=progress)


def relax_tightly(
    molecule: Molecule, settings: Settings, positions: Float[np.ndarray, "n N 3"], progress: ReportCount | None = None
) -> RelaxResult:
    """Relax structures to 1e-4 eV/Å in float64, to check minima rather than to find them.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of the run, potential included.
        positions: Structures, Å.
        progress: Called with (relaxed, total).
    """
    tight = tightened(settings, molecule.n_atoms)
    potential, _ = potential_of(tight, molecule)
    return relax_positions(potential, molecule, tight, positions, progress=progress)


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
