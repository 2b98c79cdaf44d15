"""Sampling of labelled geometries: torsion-driven start, relaxation path, dynamics, all on the reference."""

from typing import NamedTuple

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import BFGS
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolTransforms

from explorer.io.build import embed
from explorer.train.recipe import MoleculeRecipe, Recipe

BACKBONE = Chem.MolFromSmarts("[CX3](=O)[NX3][CX4][CX3](=O)[NX3]")
AMIDE = Chem.MolFromSmarts("[#6][CX3](=O)[NX3;H1][#6]")


class Frame(NamedTuple):
    """One labelled geometry."""

    positions: np.ndarray  # Å (N, 3)
    energy: float  # eV
    forces: np.ndarray  # eV/Å (N, 3)
    stage: str  # "relaxation" or "dynamics-<T>"


def sample(
    mol: Chem.Mol, calculator: Calculator, recipe: Recipe, entry: MoleculeRecipe, job: int
) -> tuple[str, list[Frame]]:
    """Frames of one start and the name of the conformer they belong to.

    Args:
        mol: with explicit hydrogens.
        calculator: the reference; every frame carries its energy and forces.
        recipe: what to do.
        entry: of the recipe, the molecule.
        job: number of the start in the entry; fixes the random numbers and the temperature.

    Returns:
        The conformer (rounded backbone torsions of the relaxed start, so that starts that
        fall into one basin share it) and the frames.
    """
    rng = np.random.default_rng([recipe.seed, job, *entry.series.encode()])
    atoms = Atoms(
        [a.GetAtomicNum() for a in mol.GetAtoms()],
        positions=torsion_driven_start(mol, recipe.cis_probability, rng),
        info={"charge": Chem.GetFormalCharge(mol)},
    )
    atoms.calc = calculator
    frames: list[Frame] = []
    optimizer = BFGS(atoms, logfile=None, maxstep=0.15)
    optimizer.attach(lambda: frames.append(_frame(atoms, "relaxation")), interval=recipe.relaxation_stride)
    optimizer.run(fmax=0.05, steps=recipe.n_relaxation)
    conformer = conformer_name(mol, atoms.positions)
    temperatures = entry.temperatures or recipe.temperatures
    temperature = temperatures[job % len(temperatures)]
    frames.extend(_dynamics(atoms, temperature, recipe, rng))
    return conformer, frames


def torsion_driven_start(mol: Chem.Mol, cis_probability: float, rng: np.random.Generator) -> np.ndarray:
    """An embedding with random backbone torsions and some amides turned to cis, free of clashes."""
    mol = Chem.Mol(mol)
    mol.RemoveAllConformers()
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
    for _ in range(50):
        mol.GetConformer().SetPositions(embed(mol, 1, int(rng.integers(2**31 - 2)))[0])
        conformer = mol.GetConformer()
        for c, n, ca, c2, n2 in _backbone(mol):
            if not mol.GetBondBetweenAtoms(n, ca).IsInRing():
                rdMolTransforms.SetDihedralDeg(conformer, c, n, ca, c2, rng.uniform(-180, 180))
            rdMolTransforms.SetDihedralDeg(conformer, n, ca, c2, n2, rng.uniform(-180, 180))
        for match in mol.GetSubstructMatches(AMIDE):
            a, c, _, n, b = match
            target = 0.0 if rng.random() < cis_probability else 180.0
            rdMolTransforms.SetDihedralDeg(conformer, a, c, n, b, target + rng.normal(0, 8))
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=int(rng.integers(3, 40)))
        if not _clashes(mol):
            break
    return np.array(mol.GetConformer().GetPositions())


def conformer_name(mol: Chem.Mol, positions: np.ndarray) -> str:
    """Backbone torsions in bins of 60 degrees and c/t for each amide, such as `-1,2;2,-1|ttc`."""
    mol = Chem.Mol(mol)
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.array(positions))
    angle = rdMolTransforms.GetDihedralDeg
    bins = [
        f"{round(angle(conformer, c, n, ca, c2) / 60) % 6},{round(angle(conformer, n, ca, c2, n2) / 60) % 6}"
        for c, n, ca, c2, n2 in _backbone(mol)
    ]
    amides = [abs(angle(conformer, a, c, n, b)) < 90 for a, c, _, n, b in mol.GetSubstructMatches(AMIDE)]
    return ";".join(bins) + "|" + "".join("c" if cis else "t" for cis in amides)


def _backbone(mol: Chem.Mol) -> list[tuple[int, int, int, int, int]]:
    return [(c, n, ca, c2, n2) for c, _, n, ca, c2, _, n2 in mol.GetSubstructMatches(BACKBONE)]


def _clashes(mol: Chem.Mol) -> bool:
    distances = Chem.Get3DDistanceMatrix(mol)
    far = Chem.GetDistanceMatrix(mol) > 2.5
    return bool((distances[far] < 1.3).any())


def _dynamics(atoms: Atoms, temperature: float, recipe: Recipe, rng: np.random.Generator) -> list[Frame]:
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=rng)
    Stationary(atoms)
    dynamics = Langevin(
        atoms, recipe.time_step * units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False, rng=rng
    )
    frames: list[Frame] = []
    dynamics.run(recipe.n_equilibration)
    for _ in range((recipe.n_steps - recipe.n_equilibration) // recipe.stride):
        dynamics.run(recipe.stride)
        frames.append(_frame(atoms, f"dynamics-{temperature:.0f}"))
    return frames


def _frame(atoms: Atoms, stage: str) -> Frame:
    centred = atoms.positions - atoms.positions.mean(axis=0)  # float32 keeps its digits near the origin
    return Frame(centred, float(atoms.get_potential_energy()), atoms.get_forces().copy(), stage)
