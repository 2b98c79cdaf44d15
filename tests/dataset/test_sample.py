"""Sampling with walkers: numbers of frames, exact labels, reproducibility, and failures beside successes."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from explorer.dataset.collect import collect
from explorer.dataset.dataset import load_dataset
from explorer.dataset.label import label_recipe, molecule_of, reference_calculator
from explorer.dataset.recipe import MoleculeRecipe, Recipe, Sampling
from explorer.dataset.rounding import POSITION_GRID, GridCalculator, on_grid
from explorer.dataset.sample import sample

WALK = Sampling(
    temperatures=(300.0, 600.0),
    n_walkers=2,
    walk_steps=60,
    walk_equilibration=20,
    walk_stride=10,
    n_snapshots=4,
    n_driven=2,
    n_relaxations=1,
    n_relaxation=4,
    relaxation_stride=2,
    n_dynamics=1,
    n_steps=4,
    n_equilibration=0,
    stride=2,
)
ALANINE = MoleculeRecipe("ac-a-nhme", 1, sequence="A", sampling=WALK)
ACID = MoleculeRecipe("acetate-guanidinium", 1, smiles="CC(=O)[O-].CNC(N)=[NH2+]", sampling=WALK)


class FailsAtTimes(EMT):
    """Raise an error for every third structure."""

    count = 0

    def calculate(self, *args, **kwargs):
        """Compute as EMT, or raise."""
        self.count += 1
        if self.count % 3 == 0:
            raise RuntimeError("no convergence")
        super().calculate(*args, **kwargs)


def test_numbers_of_frames_are_as_requested_without_duplicates():
    frames, failures = sample(molecule_of(ALANINE), EMT(), 1, ALANINE, 0)
    stages = [frame.stage for frame in frames]
    assert failures == []
    assert [sum(s.startswith(kind) for s in stages) for kind in ("snapshot", "dynamics")] == [4, 2]
    assert stages.count("scan") + stages.count("path") == 2
    assert stages.count("relaxation") == 3  # steps 0, 2 and 4
    assert {"snapshot-300", "snapshot-600"} <= set(stages)
    assert all(frame.conformer for frame in frames)
    positions = np.array([frame.positions for frame in frames])
    assert min(np.abs(a - b).max() for k, a in enumerate(positions) for b in positions[:k]) > 1e-3


def test_stored_float32_positions_are_exactly_those_of_the_labels(tmp_path):
    recipe = Recipe((ALANINE,))
    label_recipe(recipe, "ase:ase.calculators.emt:EMT", tmp_path / "parts", 1)
    collect(recipe, "emt", tmp_path / "parts", tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")["ac-a-nhme"]
    assert data.positions.dtype == np.float32
    for positions, energy in zip(data.positions, data.energy, strict=True):
        atoms = Atoms(data.atomic_numbers, positions=positions.astype(float), calculator=EMT())
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    assert np.abs(data.positions.mean(axis=1)).max() < POSITION_GRID


def test_start_is_reproducible_and_differs_from_other_starts():
    mol = molecule_of(ACID)
    first, again, other = (sample(mol, EMT(), 1, ACID, job)[0] for job in (0, 0, 1))
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a.positions, b.positions) for a in first for b in other)


def test_failed_structure_does_not_affect_the_others():
    frames, failures = sample(molecule_of(ALANINE), FailsAtTimes(), 1, ALANINE, 0)
    assert 3 <= len(frames) < 11
    assert set(failures) == {"RuntimeError: no convergence"}
    assert len(failures) >= 2


def test_minima_are_converged_or_failures():
    pairs = {"ok": 400, "short": 1}
    found = {}
    for name, steps in pairs.items():
        minima = Sampling(
            n_walkers=2, walk_steps=0, n_relaxations=2, n_relaxation=steps, relaxation_stride=0, fmax=0.01
        )
        entry = MoleculeRecipe("methanol", 1, smiles="CO", sampling=minima)
        found[name] = sample(molecule_of(entry), reference_calculator("gfn2"), 1, entry, 0)
    frames, failures = found["ok"]
    assert (len(frames), failures) == (2, [])
    assert all(frame.stage == "minimum" and np.linalg.norm(frame.forces, axis=-1).max() < 0.012 for frame in frames)
    frames, failures = found["short"]
    assert frames == []
    assert failures == ["RuntimeError: no minimum within 1 steps"] * 2


def test_reference_uses_the_charge_of_the_molecule():
    tblite = pytest.importorskip("tblite.ase")
    entry = MoleculeRecipe("methylguanidinium", 1, smiles="CNC(N)=[NH2+]", sampling=WALK)
    frames, _ = sample(molecule_of(entry), reference_calculator("gfn2"), 1, entry, 0)
    numbers = [a.GetAtomicNum() for a in molecule_of(entry).GetAtoms()]
    cation = tblite.TBLite(method="GFN2-xTB", charge=1, verbosity=0)
    atoms = Atoms(numbers, positions=frames[0].positions, calculator=cation)
    assert atoms.get_potential_energy() == pytest.approx(frames[0].energy, abs=1e-4)


def test_grid_calculator_evaluates_the_nearest_grid_point():
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1 + POSITION_GRID / 3]])
    atoms = Atoms("Ar2", positions=positions, calculator=GridCalculator(LennardJones()))
    other = Atoms("Ar2", positions=on_grid(positions, POSITION_GRID), calculator=LennardJones())
    assert np.abs(other.positions - positions).max() > POSITION_GRID / 10
    np.testing.assert_array_equal(atoms.get_forces(), other.get_forces())
    atoms.positions[1, 2] = np.nan
    with pytest.raises(ValueError, match="exploded"):
        atoms.get_potential_energy()
