"""Committees of several networks: means and spreads against the networks one by one."""

from dataclasses import replace

import numpy as np
import pytest
from random_network import random_parameters

from explorer.errors import ConfigError
from explorer.io.build import from_smiles
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import ModelInfo, load_potential, read_networks
from explorer.potential.network_committee import member_names
from explorer.potential.prediction import predict_all
from explorer.system import system_of
from explorer.uncertainty.observation import observation

HP = Hyperparameters(
    n_features=8,
    n_heads=2,
    degrees=(1,),
    n_layers=1,
    n_radial=6,
    radial_filter="linear",
    charge_spin_embedding=False,
    trained_elements=(1, 6, 8),
    atomic_energies=(-10.0, -1000.0, -2000.0),
)
METHANOL = from_smiles("CO")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three trainings; the atomic energy of hydrogen is 0.5 eV higher in the second, the cutoff larger in the third."""
    root = tmp_path_factory.mktemp("models")
    variants = HP, replace(HP, atomic_energies=(-9.5, -1000.0, -2000.0)), replace(HP, cutoff=5.0)
    for k, hp in enumerate(variants):
        save_checkpoint(root / str(k), hp, random_parameters(HP, k))
    return [str(root / str(k)) for k in range(len(variants))]


def predicted(name: str):
    potential, _ = load_potential(name, METHANOL, "float64", exact=True)  # one program for both networks
    rng = np.random.default_rng(0)
    positions = METHANOL.positions + rng.normal(0, 0.05, (2, METHANOL.n_atoms, 3))
    prediction, _ = predict_all(potential, system_of(METHANOL, np.dtype("float64")), positions, each_member=True)
    return prediction


def test_members_are_the_networks_one_by_one_with_one_zero(folders):
    committee, single = predicted(",".join(folders[:2])), [predicted(name) for name in folders[:2]]
    energies = np.concatenate([one.energies for one in single], axis=1)
    energies[:, 1] += 4 * 0.5  # four hydrogens, which the second network counts from another zero
    np.testing.assert_allclose(committee.energies, energies, atol=1e-9)
    forces = np.concatenate([one.forces for one in single], axis=1)
    np.testing.assert_allclose(committee.forces, forces, atol=1e-9)
    spread = observation(committee.energies, committee.forces, committee.parts.features, METHANOL.n_atoms)
    np.testing.assert_allclose(spread.energy_spread, energies.std(axis=1, ddof=1), atol=1e-9)
    np.testing.assert_allclose(spread.forces, forces.mean(axis=1), atol=1e-9)


def test_a_committee_has_an_identity_of_its_own(folders):
    both, other = read_networks(",".join(folders[:2])), read_networks(",".join(folders[1::-1]))
    digests = {read_networks(name).digest for name in folders}
    assert both.digest not in digests | {other.digest}
    assert both.folder != other.folder
    assert ModelInfo(name=",".join(folders[:2])).public_name == "0,1"


def test_another_architecture_is_refused_by_name(folders):
    with pytest.raises(ConfigError, match=r"cutoff is 4.5 in .*0 and 5.0 in .*2"):
        read_networks(f"{folders[0]},{folders[2]}")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("mlff:a,mlff:b", ("mlff:a", "mlff:b")),
        ("mlff:a?elements=H,C,mlff:b?units=eV", ("mlff:a?elements=H,C", "mlff:b?units=eV")),
        ("so3lr:x,mlff:y", ("so3lr:x", "mlff:y")),
        ("models/a,models/b", ("models/a", "models/b")),
        ("ase:module:Class?x=1,2", ("ase:module:Class?x=1,2",)),
        ("default", ("default",)),
    ],
)
def test_names_of_members(name, names):
    assert member_names(name) == names
