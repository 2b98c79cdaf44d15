"""The shared program for force calls outside of the walkers agrees with the single evaluations."""

import jax
import numpy as np
import pytest
from random_network import random_parameters

from explorer.io.build import from_sequence
from explorer.potential.committee import member_predictions
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import components, evaluate
from explorer.potential.prediction import predict_all
from explorer.potential.so3krates import so3krates
from explorer.system import system_of

MOLECULE = from_sequence("G")
HP = Hyperparameters(
    n_features=16, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=8, n_members=3, electrostatics=True, zbl=False
)
POSITIONS = MOLECULE.positions + np.random.default_rng(0).normal(0, 0.05, (5, MOLECULE.n_atoms, 3))


@pytest.fixture(scope="module")
def network():
    return so3krates(HP, random_parameters(HP, 0), capacity=200)


@pytest.fixture(scope="module")
def single(network):
    """The evaluation of the mean and the predictions of all members for each structure alone."""
    system = system_of(MOLECULE, np.dtype("float64"))
    both = jax.jit(
        lambda one: (evaluate(network, one), member_predictions(lambda moved: components(network, moved), one))
    )
    systems = [system.replace(positions=x) for x in POSITIONS]
    return [both(one) for one in systems]


@pytest.mark.parametrize("each_member", [False, True])
def test_rows_are_single_evaluations(network, single, each_member):
    predicted, _ = predict_all(network, system_of(MOLECULE, np.dtype("float64")), POSITIONS, each_member)
    for k, (mean, each) in enumerate(single):
        np.testing.assert_allclose(predicted.energies[k], each.energies, rtol=1e-12)
        np.testing.assert_allclose(predicted.energies[k].mean(), mean.energy, rtol=1e-12)
        np.testing.assert_allclose(predicted.parts.features[k], each.features, atol=1e-12)
        if each_member:
            np.testing.assert_allclose(predicted.forces[k], each.forces, atol=1e-10)
        else:
            np.testing.assert_allclose(predicted.forces[k, 0], mean.forces, atol=1e-10)
            assert not predicted.forces[k, 1:].any()


def test_the_charges_add_up(network):
    ion = system_of(MOLECULE, np.dtype("float64")).replace(total_charge=np.ones(()))
    predicted, _ = predict_all(network, ion, POSITIONS[:1])
    assert predicted.parts.charges.sum() == pytest.approx(1)


def test_pairs_that_do_not_fit_raise_the_capacity(network):
    system = system_of(MOLECULE, np.dtype("float64"))
    predicted, enlarged = predict_all(network.replace(capacity=10), system, POSITIONS[:1])
    assert not predicted.overflow.any()
    assert enlarged.capacity > 10


def test_an_analytic_potential_has_one_member_and_no_parts():
    system = system_of(MOLECULE, np.dtype("float64"))
    predicted, _ = predict_all(lennard_jones(), system, POSITIONS)
    assert predicted.parts is None
    assert predicted.energies.shape == (5, 1)
    np.testing.assert_allclose(
        predicted.forces[2, 0], evaluate(lennard_jones(), system.replace(positions=POSITIONS[2])).forces, rtol=1e-10
    )
