"""Uncertainty of the model in a run, if the model provides it."""

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK
from random_network import random_parameters

from explorer.config import HoppingSettings, Settings
from explorer.dataset.dataset import MoleculeData
from explorer.errors import ConfigError, ExplorerWarning, InputError
from explorer.io.source import load_molecule
from explorer.potential.checkpoint import find_checkpoint, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import potential_of
from explorer.potential.so3krates import NetworkFunctions
from explorer.uncertainty.assessor import save_assessor
from explorer.uncertainty.criteria import ResultCriteria
from explorer.uncertainty.domain import Domain
from explorer.uncertainty.fit import fit_assessor
from explorer.workflows.criteria import assess_relaxed, check_chemistry, criteria_for, hole_criteria

HP = Hyperparameters(
    n_features=16, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=8, radial_filter="linear", n_members=3,
    trained_elements=(1, 6, 8), atomic_energies=(0.0, 0.0, 0.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def methanol():
    return load_molecule(smiles="CO")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder, params = tmp_path_factory.mktemp("model"), random_parameters(HP, 0)
    save_checkpoint(folder, HP, params)
    return folder, params


def strewn(molecule, n):
    return molecule.positions + np.random.default_rng(0).normal(0, 0.1, (n, molecule.n_atoms, 3))


def test_a_model_without_calibration_has_no_uncertainty_and_cannot_be_trusted(checkpoint, methanol):
    settings = Settings(potential=str(checkpoint[0]))
    potential, info = potential_of(settings, methanol)
    criteria = criteria_for(info, potential, methanol, settings)
    assert criteria.estimate is None  # bonds are judged all the same
    with pytest.raises(ConfigError, match=r"provides no uncertainty.*--max-uncertainty trusted"):
        criteria_for(info, potential, methanol, Settings(hopping=HoppingSettings(max_uncertainty="trusted")))


def test_more_structures_than_fit_into_one_program_are_assessed_in_their_order(checkpoint, methanol):
    folder, params = checkpoint
    positions, nothing = strewn(methanol, 37), np.full(37, "x")
    data = MoleculeData(
        atomic_numbers=methanol.atomic_numbers,
        bonds=methanol.bonds,
        total_charge=0,
        positions=positions,
        energy=np.zeros(37),
        forces=np.zeros((37, methanol.n_atoms, 3)),
        conformer=nothing,
        stage=nothing,
        split=np.full(37, "train"),
    )
    save_assessor(folder, fit_assessor({"methanol": data}, NetworkFunctions(HP), params, {"methanol": data})[0])
    settings = Settings(potential=str(folder))
    potential, info = potential_of(settings, methanol)
    assess = criteria_for(info, potential, methanol, settings).estimate
    together, alone = assess(positions), [assess(one[None])[0] for one in positions[[0, 20, 36]]]
    assert len(together) == 37
    for one, other in zip(alone, (together[0], together[20], together[36]), strict=True):
        assert one.trust_level == other.trust_level
        assert one[:4] == pytest.approx(other[:4], rel=1e-4)


def test_chemistry_without_any_result_is_refused_and_without_a_limit_warned_about():
    thiolate, peptide = load_molecule(smiles="CC(=O)N[C@@H](C[S-])C(=O)NC"), load_molecule(sequence="A")
    domain = Domain.load(find_checkpoint(FIXED_NETWORK))
    check_chemistry(FIXED_NETWORK, None)
    check_chemistry(FIXED_NETWORK, ResultCriteria(peptide, "uncertain", None, domain))
    with pytest.raises(InputError, match=r"thiolate sulfur S\(-\) bonded to C \(atom .*--max-uncertainty any"):
        check_chemistry(FIXED_NETWORK, ResultCriteria(thiolate, "uncertain", None, domain))
    with pytest.warns(ExplorerWarning, match="All minima are out of distribution"):
        check_chemistry(FIXED_NETWORK, ResultCriteria(thiolate, "any", None, domain))


def test_relaxed_structures_are_compared_with_their_median_bonds(checkpoint, methanol):
    settings = Settings(potential=str(checkpoint[0]))
    potential, info = potential_of(settings, methanol)
    positions = np.repeat(methanol.positions[None], 5, axis=0)
    positions[3] *= 1.3
    converged = np.array([True, True, True, True, False])
    for criteria in (criteria_for(info, potential, methanol, settings, "float32"), hole_criteria(info, methanol)):
        assessed = assess_relaxed(criteria, methanol.bonds, positions, np.zeros(5), converged)
        assert [bool(one.exclusion) for one in assessed][3:] == [True, False]
    assert all(one.uncertainty is None for one in assessed)  # holes are found without estimates
    assert [bool(one.exclusion) for one in assessed] == [False, False, False, True, False]
