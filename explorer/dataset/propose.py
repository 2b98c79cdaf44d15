"""Proposals for labelling: walkers on the surrogate, torsion scans and paths between the walkers' conformers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from explorer.dataset.farthest_points import farthest_points, inverse_distances
from explorer.dataset.force_field import ForceField
from explorer.dataset.recipe import Sampling
from explorer.dataset.scans import path, rotors, scan
from explorer.dataset.starts import conformer_name, torsion_driven_start

RELAX_STEPS = 200  # on the surrogate, before a walk
SCAN_POINTS, PATH_POINTS = 8, 4
HARDEST = 10.0  # eV/Å on the surrogate: a driven geometry with more has parts that went through each other


class Proposal(NamedTuple):
    """A geometry that may be labelled."""

    positions: Float[np.ndarray, "N 3"]  # Å
    conformer: str
    stage: str  # "snapshot-<T>", "scan", "path", "conformer"
    temperature: float  # K, of what comes after it


def propose(
    surrogate: ForceField, sampling: Sampling, job: int, rng: np.random.Generator
) -> tuple[list[Proposal], list[Proposal]]:
    """What the walkers of a start pass through, and what lies between their conformers.

    A molecule without a backbone has no named conformers; there each walker counts as one.
    """
    walked: list[Proposal] = []
    conformers: list[Proposal] = []
    for walker in range(sampling.n_walkers):
        number = job * sampling.n_walkers + walker
        temperature = sampling.temperatures[number % len(sampling.temperatures)]
        start = torsion_driven_start(surrogate.mol, sampling.cis_probability, rng)
        relaxed = surrogate.relax(start, RELAX_STEPS)
        name = conformer_name(surrogate.mol, relaxed)
        conformers.append(Proposal(relaxed, f"{number}{name}" if name[0] == "|" else name, "conformer", temperature))
        frames = surrogate.walk(relaxed, temperature, sampling.walk_steps, sampling.walk_stride, rng)
        skipped = sampling.walk_equilibration // sampling.walk_stride
        walked += [
            conformers[-1]._replace(positions=frame, stage=f"snapshot-{temperature:.0f}")
            for frame in list(frames)[skipped:]
        ]
    driven = _driven(surrogate, conformers, rng) if sampling.n_driven else []
    return walked or conformers, driven


def differing(mol: Chem.Mol, proposals: list[Proposal], n: int, rng: np.random.Generator) -> list[Proposal]:
    """At most n proposals that differ most from each other, as many of each stage, in random order."""
    numbers = np.array([a.GetAtomicNum() for a in mol.GetAtoms()])
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()]).reshape(-1, 2)
    stages = sorted({p.stage for p in proposals})
    chosen: list[Proposal] = []
    for k, stage in enumerate(stages):
        among = [p for p in proposals if p.stage == stage]
        features = inverse_distances(numbers, bonds, np.array([p.positions for p in among]))
        share = (n - len(chosen)) // (len(stages) - k)  # what one stage lacks, the later ones get
        chosen += [among[i] for i in farthest_points(features, share, rng)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _driven(surrogate: ForceField, conformers: list[Proposal], rng: np.random.Generator) -> list[Proposal]:
    """One scan from every conformer, and a path to the next one."""
    torsions = rotors(surrogate.mol)
    if not torsions:
        return []
    driven: list[Proposal] = []
    for here, there in zip(conformers, [*conformers[1:], conformers[0]], strict=True):
        torsion = torsions[rng.integers(len(torsions))]
        points = scan(surrogate, here.positions, torsion, SCAN_POINTS)
        driven += [here._replace(positions=p, stage="scan") for p in points]
        points = path(surrogate, here.positions, there.positions, PATH_POINTS)
        driven += [here._replace(positions=p, stage="path") for p in points]
    return [p for p in driven if np.abs(surrogate.forces(p.positions)).max() < HARDEST]
