"""A network as the reference: one program for many molecules gives what the calculator gives for each alone."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from random_network import random_parameters

from explorer.dataset.label import label_structures, reference_calculator
from explorer.dataset.label_together import label_together
from explorer.dataset.network_reference import (
    NetworkCalculator,
    NetworkReference,
    SingleStructure,
    public_reference,
    structure_of,
)
from explorer.dataset.recipe import MoleculeRecipe, Recipe
from explorer.errors import CheckpointError, ConfigError, InputError
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.checkpoint import checkpoint_digest, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters

HP = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6, electrostatics=True,
    trained_elements=(1, 6, 7, 8), atomic_energies=(-13.0, -1030.0, -1480.0, -2040.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_checkpoint(folder, HP, random_parameters(HP, 0))
    return str(folder)


@pytest.fixture(scope="module")
def network(model):
    return NetworkReference(model)


def _structures() -> list[SingleStructure]:
    rng = np.random.default_rng(0)
    atoms = [molecule(name) for name in ("CH4", "C2H6", "CH3CONH2")]
    return [structure_of(a)._replace(positions=a.positions + 0.05 * rng.normal(size=(len(a), 3))) for a in atoms]


def test_padded_rows_of_different_molecules_equal_the_calculator(network, model):
    structures = _structures()
    for structure, (energy, forces) in zip(structures, network.evaluate(structures), strict=True):
        atoms = Atoms(structure.numbers, positions=structure.positions)
        atoms.calc = ExplorerCalculator(model, precision="float64", exact=True)
        assert energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(forces, atoms.get_forces(), atol=1e-9)


def test_atoms_on_each_other_are_an_error_of_the_structure_alone(network):
    good, other, _ = _structures()
    bad = other._replace(positions=np.full_like(other.positions, np.nan))
    (first, _), (second, _) = network.evaluate([good, bad])
    assert np.isfinite(first)
    assert not np.isfinite(second)
    atoms = Atoms(bad.numbers, positions=bad.positions, calculator=NetworkCalculator(network))
    with pytest.raises(ValueError, match="not finite"):
        atoms.get_potential_energy()


def test_unknown_element_is_refused(network):
    with pytest.raises(InputError, match="16"):
        network.evaluate([structure_of(molecule("CH3SH"))])


def test_charge_comes_from_info_or_from_the_charges_of_the_atoms():
    atoms = Atoms("NH", positions=np.eye(3)[:2])
    assert structure_of(atoms).charge == 0
    atoms.set_initial_charges([0.75, 0.25])
    assert structure_of(atoms).charge == 1
    atoms.info |= {"charge": -1, "multiplicity": 3}
    assert structure_of(atoms)[1:3] == (-1, 2)


def test_so3lr_labels_are_those_of_the_published_code(reference_data):
    parity = np.load(reference_data / "parity" / "ethanol.npz")
    atoms = Atoms(parity["atomic_numbers"], positions=parity["positions"], info={"charge": int(parity["total_charge"])})
    reference = f"so3lr:{reference_data / 'so3lr'}"
    (label,) = label_structures([atoms], reference)
    assert label.energy == pytest.approx(float(parity["energy_p64"]), abs=1e-6)
    np.testing.assert_allclose(label.forces, parity["forces_p64"], atol=1e-6)
    atoms.calc = reference_calculator(reference)
    assert atoms.get_potential_energy() == pytest.approx(label.energy, abs=1e-9)


def test_folder_does_not_enter_the_name_that_is_stored():
    assert public_reference("so3lr:/home/me/so3lr") == "so3lr"
    assert public_reference("ase:a.b:C") == "ase:a.b:C"


def test_so3lr_is_the_model_that_was_fetched(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path))
    with pytest.raises(CheckpointError, match="pes-explore model fetch so3lr"):
        NetworkReference("so3lr")
    fetched = tmp_path / "so3lr"
    fetched.symlink_to(model)
    assert public_reference("so3lr") == "so3lr"
    for name in ("so3lr", f"so3lr:{fetched}"):
        assert NetworkReference(name).digest == checkpoint_digest(fetched)


def test_missing_folder_and_method_that_is_no_network_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="missing"):
        reference_calculator(f"so3lr:{tmp_path}")
    recipe = Recipe((MoleculeRecipe("methanol", 1, smiles="CO"),), sampler="network")
    with pytest.raises(ConfigError, match="so3lr:FOLDER"):
        label_together(recipe, "gfn2", tmp_path)
