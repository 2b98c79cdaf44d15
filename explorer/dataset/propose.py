"""Proposals for labelling: force-field dynamics, torsion scans, and paths between the conformers of the walkers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from explorer.dataset.farthest_points import farthest_points, inverse_distances
from explorer.dataset.force_field import ForceField
from explorer.dataset.recipe import Sampling
from explorer.dataset.scans import scan_torsions, torsion_path, torsion_scan
from explorer.dataset.starts import conformer_name, torsion_driven_start

_START_RELAX_STEPS = 200  # steps of the relaxation with the force field before dynamics; not tuned
_SCAN_POINTS, _PATH_POINTS = 8, 4  # points of a torsion scan and of a path; not tuned
_MAX_DRIVEN_FORCE = 10.0  # eV/Å with the force field; larger ones mean that parts passed through each other; not tuned


class Proposal(NamedTuple):
    """A geometry that may be labelled."""

    positions: Float[np.ndarray, "N 3"]  # Å
    conformer: str
    stage: str  # "snapshot-<T>", "scan", "path" or "conformer"
    temperature: float  # K, of dynamics that start from it


def propose(
    force_field: ForceField, sampling: Sampling, job: int, rng: np.random.Generator
) -> tuple[list[Proposal], list[Proposal]]:
    """Propose geometries for one start.

    A molecule without a backbone has no conformer names; each walker then counts as one conformer.

    Args:
        force_field: Force field of the molecule.
        sampling: Settings of the sampling.
        job: Number of the start.
        rng: Random number generator.

    Returns:
        Snapshots of the dynamics, or the relaxed conformers if there are none; and points of scans and paths.
    """
    snapshots: list[Proposal] = []
    conformers: list[Proposal] = []
    for walker in range(sampling.n_walkers):
        number = job * sampling.n_walkers + walker
        temperature = sampling.temperatures[number % len(sampling.temperatures)]
        start = torsion_driven_start(force_field.mol, sampling.cis_probability, rng)
        relaxed = force_field.relax(start, _START_RELAX_STEPS)
        name = conformer_name(force_field.mol, relaxed)
        conformers.append(Proposal(relaxed, f"{number}{name}" if name[0] == "|" else name, "conformer", temperature))
        frames = force_field.dynamics(relaxed, temperature, sampling.walk_steps, sampling.walk_stride, rng)
        n_skipped = sampling.walk_equilibration // sampling.walk_stride
        snapshots += [
            conformers[-1]._replace(positions=frame, stage=f"snapshot-{temperature:.0f}")
            for frame in list(frames)[n_skipped:]
        ]
    driven = _driven(force_field, conformers, rng) if sampling.n_driven else []
    return snapshots or conformers, driven


def select_diverse(mol: Chem.Mol, proposals: list[Proposal], n: int, rng: np.random.Generator) -> list[Proposal]:
    """Select proposals that differ the most from each other, the same number from each stage, in random order.

    Args:
        mol: Molecule.
        proposals: Proposals to select from.
        n: Largest number of proposals.
        rng: Random number generator.
    """
    numbers = np.array([a.GetAtomicNum() for a in mol.GetAtoms()])
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()]).reshape(-1, 2)
    stages = sorted({p.stage for p in proposals})
    selected: list[Proposal] = []
    for k, stage in enumerate(stages):
        among = [p for p in proposals if p.stage == stage]
        features = inverse_distances(numbers, bonds, np.array([p.positions for p in among]))
        share = (n - len(selected)) // (len(stages) - k)  # later stages get what earlier ones could not fill
        selected += [among[i] for i in farthest_points(features, share, rng)]
    return [selected[i] for i in rng.permutation(len(selected))]


def _driven(force_field: ForceField, conformers: list[Proposal], rng: np.random.Generator) -> list[Proposal]:
    """Return the points of one torsion scan of every conformer, and of a path to the next conformer."""
    torsions = scan_torsions(force_field.mol)
    if not torsions:
        return []
    driven: list[Proposal] = []
    for start, end in zip(conformers, [*conformers[1:], conformers[0]], strict=True):
        torsion = torsions[rng.integers(len(torsions))]
        points = torsion_scan(force_field, start.positions, torsion, _SCAN_POINTS)
        driven += [start._replace(positions=p, stage="scan") for p in points]
        points = torsion_path(force_field, start.positions, end.positions, _PATH_POINTS)
        driven += [start._replace(positions=p, stage="path") for p in points]
    return [p for p in driven if np.abs(force_field.forces(p.positions)).max() < _MAX_DRIVEN_FORCE]
