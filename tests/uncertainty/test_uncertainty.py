"""Spread, distance, calibration and trust levels against independent computations."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.dataset.dataset import MoleculeData
from explorer.errors import CheckpointError, ConfigError
from explorer.potential.committee import member_predictions
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import components
from explorer.potential.so3krates import NetworkFunctions, initialize, so3krates
from explorer.system import from_arrays
from explorer.uncertainty.assessor import CALIBRATION_FILE, MoleculeAssessor, load_assessor, save_assessor
from explorer.uncertainty.calibration import TrustLevel, calibrate
from explorer.uncertainty.fit import fit_assessor
from explorer.uncertainty.observation import observe
from explorer.uncertainty.support import Support

HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    n_members=4,
    trained_elements=(1, 6, 8),
    atomic_energies=(0.0, 0.0, 0.0),
)
N_FRAMES = 60
METHANOL = np.array([6, 8, 1, 1, 1, 1])
POSITIONS = np.array([[0, 0, 0], [1.4, 0, 0], [-0.4, 1, 0], [-0.4, -0.5, 0.9], [-0.4, -0.5, -0.9], [1.7, 0.9, 0]])


observe_one = jax.jit(lambda potential, system: observe(partial(components, potential), system))


@jax.jit
def members_of(potential, system, rows):
    """Predictions of the members for each row of positions."""
    return jax.lax.map(lambda x: member_predictions(partial(components, potential), system.replace(positions=x)), rows)


@pytest.fixture(scope="module")
def network():
    params = initialize(HP, 0)
    return params, so3krates(HP, params)


def frames(network, n, width, seed):
    """Return frames labelled with the forces of the network plus errors with the standard deviation of the members."""
    _, potential = network
    rng = np.random.default_rng(seed)
    positions = POSITIONS + rng.normal(0, 1, (n, 6, 3)) * np.linspace(0.02, width, n)[:, None, None]
    positions = positions.astype(np.float32)
    system = from_arrays(METHANOL, POSITIONS)
    energies, forces = (np.asarray(x, float) for x in members_of(potential, system, jnp.asarray(positions))[:2])
    sigma = forces.std(axis=1, ddof=1)
    labels = forces.mean(axis=1) + rng.normal(size=sigma.shape) * sigma
    name = np.full(n, "x")
    return MoleculeData(
        atomic_numbers=METHANOL,
        bonds=np.zeros((0, 2), int),
        total_charge=0,
        positions=positions.astype(float),
        energy=energies.mean(axis=1),
        forces=labels,
        conformer=name,
        stage=name,
        split=np.full(n, "train"),
    )


@pytest.fixture(scope="module")
def assessor(network):
    params, _ = network
    made, _ = fit_assessor(
        {"methanol": frames(network, N_FRAMES, 0.1, 0)},
        NetworkFunctions(HP),
        params,
        {"methanol": frames(network, N_FRAMES, 0.2, 1)},
    )
    return made


def test_spread_is_the_standard_deviation_over_members(network):
    _, potential = network
    system = from_arrays(METHANOL, POSITIONS)
    observed = observe_one(potential, system)
    rows = jnp.broadcast_to(system.positions, (N_FRAMES, 6, 3))
    energies, forces = (np.asarray(x, float)[0] for x in members_of(potential, system, rows)[:2])
    assert float(observed.energy_spread) == pytest.approx(np.std(np.asarray(energies), ddof=1), rel=1e-4)
    per_atom = np.sqrt(forces.var(axis=0, ddof=1).sum(axis=-1))
    assert float(observed.force_spread) == pytest.approx(np.sqrt(np.mean(per_atom**2)), rel=1e-4)
    assert np.asarray(observed.forces) == pytest.approx(forces.mean(axis=0), abs=1e-5)


def test_spread_is_nan_without_a_committee():
    hp = replace(HP, n_members=1)
    potential = so3krates(hp, random_parameters(hp, 0))
    observed = observe_one(potential, from_arrays(METHANOL, POSITIONS))
    assert np.isnan(observed.energy_spread)
    assert np.isnan(observed.force_spread)


def test_potential_without_a_network_cannot_be_observed():
    with pytest.raises(ConfigError, match="network"):
        observe(lambda moved: components(lennard_jones(), moved), from_arrays(METHANOL, POSITIONS))


def test_distance_is_that_to_the_nearest_training_atom_of_the_element():
    rng = np.random.default_rng(0)
    numbers, features = np.repeat([1, 8], 40), rng.normal(size=(80, 5)) * [1, 2, 3, 4, 5]
    support, queried = Support.of(numbers, features), rng.normal(size=(3, 2, 5))
    found = support.distances(np.array([8, 1]), queried)
    for k, number in enumerate((8, 1)):
        own = features[numbers == number]
        scaled = (queried[:, k, None] - own) / own.std(axis=0)
        assert found[:, k] == pytest.approx(np.sqrt((scaled**2).mean(axis=-1)).min(axis=1))
    assert support.distances(np.array([8]), features[None, 40:41]) == pytest.approx(0, abs=1e-9)
    assert np.isinf(support.distances(np.array([16]), queried[:, :1])).all()


def test_calibration_recovers_the_law_of_the_errors():
    rng = np.random.default_rng(1)
    spread, distance = np.exp(rng.normal(size=(2, 4000)))
    error = 0.3 * spread**0.7 * distance**0.2 * np.exp(0.1 * rng.normal(size=4000))
    made = calibrate(error, spread, distance)
    assert (np.exp(made.offset), made.slope_spread, made.slope_distance) == pytest.approx((0.3, 0.7, 0.2), abs=0.01)
    assert made.rank_correlation > 0.95
    levels = made.trust_levels(spread, distance)
    assert levels.count(TrustLevel.OUT_OF_DISTRIBUTION) / 4000 == pytest.approx(
        0.02, abs=0.005
    )  # by error or by distance
    assert levels.count(TrustLevel.TRUSTED) / 4000 == pytest.approx(0.83, abs=0.06)
    assert made.trust_levels(np.array([1e3, 1e-3]), np.array([1.0, 1e-3])) == [
        TrustLevel.OUT_OF_DISTRIBUTION,
        TrustLevel.TRUSTED,
    ]


def test_without_a_committee_the_distance_alone_is_calibrated():
    distance = np.geomspace(0.1, 10, 50)
    made = calibrate(0.05 * distance, np.full(50, np.nan), distance)
    assert (made.slope_spread, made.slope_distance) == pytest.approx((0, 1))
    assert made.expected_error(np.full(1, np.nan), np.array([2.0])) == pytest.approx(0.1)


def test_distorted_structures_are_out_of_distribution(network, assessor):
    _, potential = network
    assert assessor.calibration.slope_spread == pytest.approx(1, abs=0.3)  # errors were drawn with the spread as width
    rng = np.random.default_rng(2)
    near, far = (POSITIONS + rng.normal(0, w, (20, 6, 3)) for w in (0.03, 1.0))
    assess = MoleculeAssessor(assessor, potential, from_arrays(METHANOL, POSITIONS))
    near_training, far_away = assess(near), assess(far)
    assert sum(one.trust_level == TrustLevel.TRUSTED for one in near_training) >= 18
    assert sum(one.trust_level == TrustLevel.OUT_OF_DISTRIBUTION for one in far_away) >= 18
    assert np.median([one.distance for one in far_away]) > 2 * np.median([one.distance for one in near_training])


def test_stored_assessor_gives_the_same_uncertainty(network, assessor, tmp_path):
    _, potential = network
    assert load_assessor(tmp_path) is None
    save_assessor(tmp_path, assessor)
    loaded = load_assessor(tmp_path)
    system = from_arrays(METHANOL, POSITIONS)
    before, after = (MoleculeAssessor(one, potential, system)(POSITIONS[None])[0] for one in (assessor, loaded))
    assert after.distance == pytest.approx(before.distance, rel=0.01)  # in float32
    assert after.expected_error == pytest.approx(before.expected_error, rel=0.01)
    (tmp_path / CALIBRATION_FILE).write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        load_assessor(tmp_path)


def test_too_few_frames_for_a_calibration_are_an_error(network):
    few = frames(network, 5, 0.1, 3)
    with pytest.raises(ConfigError, match="held-out"):
        fit_assessor({"methanol": few}, NetworkFunctions(HP), network[0], {"methanol": few})
