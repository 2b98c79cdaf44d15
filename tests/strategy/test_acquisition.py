"""Predicted energies against the textbook formula, and the probability that a jump is useful."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from explorer.strategy.acquisition import AcquisitionFunction
from explorer.strategy.energy_model import (
    ENERGY_NOISE,
    KERNEL_LENGTH,
    MAX_TRAINING_ENERGIES,
    MIN_ENERGY_SPREAD,
    TorsionGaussianProcess,
)

N_TORSIONS = 5
RNG = np.random.default_rng(7)
ORIGIN = np.zeros(N_TORSIONS)
OPPOSITE = np.full(N_TORSIONS, np.pi)  # as far from the origin as possible: Σ 1 - cos = 10


def features(torsions):
    return np.concatenate([np.cos(torsions), np.sin(torsions)], axis=-1)


def energy(torsions):
    """Threefold terms and two that couple neighbours, eV."""
    coupled = np.cos(torsions[..., :-1] - torsions[..., 1:]).sum(axis=-1)
    return 0.05 * np.cos(3 * torsions).sum(axis=-1) + 0.1 * coupled + 0.1 * np.cos(torsions[..., 0])


def drawn(n):
    return RNG.uniform(-np.pi, np.pi, (n, N_TORSIONS))


def rotated(distance, n_rotated=1):
    """Torsions at Σ 1 - cos = distance from the origin, with equal changes of the first torsions."""
    return np.where(np.arange(N_TORSIONS) < n_rotated, np.arccos(1 - distance / n_rotated), 0.0)


def acquisition_of(minima, energies=None):
    minima = np.atleast_2d(minima)
    function = AcquisitionFunction(2 * N_TORSIONS)
    function.add_minima(features(minima), np.zeros(len(minima)) if energies is None else energies)
    return function


def probability(function, torsions, *, targets_low_energy=False, pending=()):
    pending = features(np.array(pending).reshape(-1, N_TORSIONS))
    return np.exp(function.log_probability(pending, targets_low_energy)(features(np.atleast_2d(torsions))))


def test_prediction_is_the_mean_of_the_gaussian_process():
    known, asked = drawn(19), drawn(6)
    energies = energy(known)
    model = TorsionGaussianProcess()
    model.fit((features(known), energies))

    def covariance(a, b):
        return np.exp(-(1 - np.cos(a[:, None] - b)).sum(axis=-1) / KERNEL_LENGTH)

    noise = (ENERGY_NOISE / max(energies.std(), MIN_ENERGY_SPREAD)) ** 2 * np.eye(len(known))
    weights = np.linalg.inv(covariance(known, known) + noise) @ (energies - energies.mean())
    assert model(features(asked)) == pytest.approx(energies.mean() + covariance(asked, known) @ weights, abs=1e-9)


def test_predictions_improve_with_the_number_of_known_energies():
    asked, ranks = drawn(200), []
    for n in (20, 200, 1500):
        known, model = drawn(n), TorsionGaussianProcess()
        model.fit((features(known), energy(known)))
        ranks.append(spearmanr(model(features(asked)), energy(asked)).statistic)
    assert ranks == sorted(ranks)
    assert ranks[-1] > 0.9


def test_prediction_does_not_depend_on_the_number_of_earlier_fits():
    known, asked = drawn(130), features(drawn(3))
    often, once = TorsionGaussianProcess(), TorsionGaussianProcess()
    for n in range(1, len(known) + 1):
        often.fit((features(known[:n]), energy(known[:n])))
    once.fit((features(known), energy(known)))
    np.testing.assert_array_equal(often(asked), once(asked))


def test_of_many_energies_low_and_high_ones_are_used():
    n = MAX_TRAINING_ENERGIES
    low, high = 0.3 * RNG.normal(size=(n, N_TORSIONS)), np.pi + 0.3 * RNG.normal(size=(n, N_TORSIONS))
    model = TorsionGaussianProcess()
    model.fit((features(np.concatenate([low, high])), np.r_[0.001 * np.arange(n) / n, np.ones(n)]))
    assert model(features(low)).max() < 0.1
    assert model(features(high)).min() > 0.9  # with the lowest ones alone it would predict about 0


def test_probability_of_a_new_minimum_at_documented_distances():
    """1 - 1/e at Σ 1 - cos = 0.28 from a minimum; 1 - 0.98/e at 2.8 from the start of a relaxation."""
    near_minimum = acquisition_of(ORIGIN)
    assert probability(near_minimum, rotated(0.28)) == pytest.approx(0.63212, abs=1e-4)
    near_start = acquisition_of(OPPOSITE)
    near_start.add_starts(features(ORIGIN[None]), np.array([np.nan]))
    assert probability(near_start, rotated(2.8, n_rotated=2)) == pytest.approx(0.63948, abs=1e-4)
    both = acquisition_of(rotated(0.28))
    both.add_starts(features(rotated(2.8, n_rotated=2))[None], np.array([np.nan]))
    assert probability(both, ORIGIN) == pytest.approx(0.63212 * 0.63948, abs=1e-4)


def test_probability_of_a_new_minimum_grows_from_zero_to_one_with_the_distance():
    distances = np.linspace(0.0, 2.0, 41)
    chances = probability(acquisition_of(ORIGIN), np.array([rotated(distance) for distance in distances]))
    assert np.all(np.diff(chances) >= 0)
    assert chances[0] < 1e-6
    assert chances[-1] > 1 - 1e-6


def test_only_the_nearest_minimum_and_the_nearest_start_matter():
    starts = np.array([rotated(0.5), OPPOSITE])
    function = acquisition_of([rotated(1.0), OPPOSITE])
    function.add_starts(features(starts), np.full(2, np.nan))
    nearest = acquisition_of(rotated(1.0))
    nearest.add_starts(features(starts[:1]), np.array([np.nan]))
    assert probability(function, ORIGIN) == pytest.approx(probability(nearest, ORIGIN))


def test_pending_jumps_count_as_starts():
    pending, started = acquisition_of(OPPOSITE), acquisition_of(OPPOSITE)
    started.add_starts(features(rotated(1.5)[None]), np.array([np.nan]))
    assert probability(pending, ORIGIN, pending=rotated(1.5)) == pytest.approx(probability(started, ORIGIN))


def test_probability_of_a_low_energy_is_that_of_a_noisy_prediction():
    """Monte-Carlo: share of energies within 0.13 eV of the lowest minimum when predictions err by 0.1 eV."""
    known, asked = drawn(40), drawn(6)
    function, model = acquisition_of(known, energy(known)), TorsionGaussianProcess()
    model.fit((features(known), energy(known)))
    errors = np.random.default_rng(0).normal(0, 0.1, 400_000)
    shares = [np.mean(e + errors < energy(known).min() + 0.13) for e in model(features(asked))]
    low, new = (probability(function, asked, targets_low_energy=low) for low in (True, False))
    assert low / new == pytest.approx(shares, abs=0.003)


def test_a_relaxation_is_hardly_started_twice_from_the_same_torsions():
    function, tried = acquisition_of(drawn(3)), drawn(1)
    before = probability(function, tried)
    function.add_starts(features(tried), np.array([np.nan]))
    assert probability(function, tried) / before == pytest.approx(0.02, rel=1e-3)


def test_a_rotation_by_60_degrees_is_promising_until_a_relaxation_started_nearby():
    """A structure near a minimum need not relax to it."""
    function, first = acquisition_of(ORIGIN), np.eye(N_TORSIONS)[0]
    beside = np.radians(60) * first
    assert probability(function, beside) > 0.9
    function.add_starts(features(np.radians(90) * first)[None], np.zeros(1))
    assert probability(function, beside) < 0.05


def test_without_known_minima_every_jump_is_promising():
    function = AcquisitionFunction(2 * N_TORSIONS)
    assert probability(function, drawn(2), targets_low_energy=True) == pytest.approx(1)


@pytest.mark.parametrize(("end", "chance"), [(np.nan, 0.9032), (1.0, 0.0)])
def test_ends_of_relaxations_improve_the_prediction(end, chance):
    """With minima at 0 eV alone the predicted energy is 0 eV, so that P_low = Φ(1.3) = 0.9032."""
    function = acquisition_of([ORIGIN, rotated(1.0), rotated(2.0)])
    function.add_starts(features(OPPOSITE[None]), np.array([end]))
    low, new = (probability(function, OPPOSITE, targets_low_energy=low) for low in (True, False))
    assert low / new == pytest.approx(chance, abs=1e-3)


def test_no_prediction_rests_on_energies_of_unknown_minima():
    known, hole = drawn(19), drawn(1)
    energies = energy(known)
    function = acquisition_of(np.concatenate([known, hole]), np.append(energies, np.nan))
    alone = acquisition_of(known, energies)
    assert function.is_low(energies.min() + 0.1)
    assert not function.is_low(energies.min() + 1.0)
    asked = rotated(0.2) + hole[0]
    lower = probability(alone, asked, targets_low_energy=True) / probability(alone, asked)
    assert probability(function, asked, targets_low_energy=True) / probability(function, asked) == pytest.approx(lower)
    assert probability(function, asked) < probability(alone, asked)  # it is no new minimum all the same
