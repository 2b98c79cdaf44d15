"""Reader of the published SO3LR files, and the files that it refuses; `test_parity` compares energies."""

import json

import jax
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from flax.traverse_util import flatten_dict
from random_network import random_parameters

from explorer.errors import CheckpointError, ConfigError, InputError
from explorer.io.build import from_smiles
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.load import load_potential
from explorer.potential.so3lr import read_so3lr, so3lr_digest


def ethanol(**info) -> Atoms:
    molecule = from_smiles("CCO")
    return Atoms(molecule.atomic_numbers, positions=molecule.positions, info=info)


def test_every_parameter_and_hyperparameter_comes_back(write_published, published_parameters, tmp_path):
    hp, params = read_so3lr(write_published(tmp_path))
    assert hp == Hyperparameters(
        n_features=8,
        n_heads=2,
        degrees=(1, 2),
        n_layers=1,
        n_radial=6,
        electrostatics=True,
        dispersion=True,
        trained_elements=(1, 6, 8),
        reference="PBE0+MBD",
    )
    wanted, found = (flatten_dict(tree, sep="/") for tree in (published_parameters, params))
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        rows = slice(0, 100) if name.startswith(("charges/offset", "hirshfeld/offset", "hirshfeld/el")) else ...
        np.testing.assert_allclose(found[name][rows], value[rows], rtol=0, atol=1e-7, err_msg=name)


def test_published_model_is_complete(reference_data):
    hp, params = read_so3lr(reference_data / "so3lr")
    assert hp == Hyperparameters(electrostatics=True, dispersion=True, reference="PBE0+MBD")
    shapes = flatten_dict(jax.eval_shape(lambda: random_parameters(hp, 0)), sep="/")
    assert {k: v.shape for k, v in flatten_dict(params, sep="/").items()} == {k: v.shape for k, v in shapes.items()}


def test_yaml_serves_as_well_as_json(write_published, tmp_path):
    hp, _ = read_so3lr(write_published(tmp_path))
    content = json.loads((tmp_path / "hyperparameters.json").read_text())
    (tmp_path / "hyperparameters.json").unlink()
    (tmp_path / "hyperparameters.yaml").write_text(yaml.safe_dump(content))
    assert read_so3lr(tmp_path)[0] == hp
    (tmp_path / "hyperparameters.yaml").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(CheckpointError, match=r"hyperparameters\.yaml"):
        read_so3lr(tmp_path)


def test_digest_is_that_of_both_files(write_published, tmp_path):
    first = so3lr_digest(write_published(tmp_path / "a"))
    assert first == so3lr_digest(write_published(tmp_path / "b"))
    assert first != so3lr_digest(write_published(tmp_path / "c", cutoff=5.0))
    assert first != so3lr_digest(write_published(tmp_path / "d", {"observables_0/energy_offset": np.ones(119)}))


@pytest.mark.parametrize("missing", ["params.pkl", "hyperparameters.json"])
def test_missing_file_is_named(write_published, tmp_path, missing):
    (write_published(tmp_path) / missing).unlink()
    with pytest.raises(CheckpointError, match=f"{missing} is missing"):
        read_so3lr(tmp_path)


def test_damaged_hyperparameters_are_refused(write_published, tmp_path):
    for text in ("{", "[]", '{"model": 1, "data": 2}'):
        (write_published(tmp_path) / "hyperparameters.json").write_text(text)
        with pytest.raises(CheckpointError, match="does not hold hyperparameters"):
            read_so3lr(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"activation_fn": "maxout"}, "activation_fn must be .*silu.*, received 'maxout'"),
        ({"cutoff_fn": "polynomial"}, "cutoff_fn must be phys or cosine or exponential, received 'polynomial'"),
        ({"residual_mlp_2": True}, "res_mlp_2_layer_1.* is missing"),
        ({"layer_normalization_2": False}, "2 arrays for which there is no place"),
        ({"num_heads": None}, "num_heads is missing"),
        ({"num_layers": 2}, "layers_1.* is missing"),
        ({"num_features": 16}, "should have shape"),
        ({"zbl_repulsion_bool": False}, "10 arrays for which there is no place"),
    ],
)
def test_another_network_is_refused(write_published, tmp_path, changed, message):
    with pytest.raises(CheckpointError, match=message):
        read_so3lr(write_published(tmp_path, **changed))


def test_potential_by_name_has_its_elements_and_digest(write_published, tmp_path):
    name = f"so3lr:{write_published(tmp_path)}"
    potential, info = load_potential(name, from_smiles("CCO"), "float64", lr_cutoff=12.0)
    assert (info.name, info.digest, info.reference) == (name, so3lr_digest(tmp_path), "PBE0+MBD")
    assert info.trained_elements == (1, 6, 8)
    assert potential.cutoff == 4.5
    with pytest.raises(InputError, match="is N"):
        load_potential(name, from_smiles("CN"))
    with pytest.raises(ConfigError, match=r"lr_cutoff .* received 1\.0"):
        load_potential(name, from_smiles("CCO"), lr_cutoff=1.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The multiplicity is 2")
def test_calculator_takes_three_cutoffs_and_has_charges_and_dipole(write_published, tmp_path):
    name, energies = f"so3lr:{write_published(tmp_path)}", []
    atoms = ethanol(charge=-1, multiplicity=2)
    for cutoff in (1000, 12, None):
        atoms.calc = ExplorerCalculator(name, precision="float64", lr_cutoff=cutoff)
        energies.append(atoms.get_potential_energy())
    assert len(set(energies)) == 3
    charges = atoms.get_charges()
    assert charges.sum() == pytest.approx(-1, abs=1e-12)
    np.testing.assert_allclose(atoms.get_dipole_moment(), charges @ atoms.positions, atol=1e-12)
    assert atoms.get_forces().shape == (9, 3)


@pytest.mark.parametrize("wanted", ["charges", "dipole"])
def test_models_without_charges_raise_the_error_of_ase(wanted):
    atoms = ethanol()
    atoms.calc = ExplorerCalculator(lennard_jones(), precision="float64")
    with pytest.raises(PropertyNotImplementedError, match="no partial charges"):
        atoms.calc.get_property(wanted, atoms)
