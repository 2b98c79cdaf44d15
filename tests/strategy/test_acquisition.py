"""Guesses of energies against the textbook formula, and what makes a jump promising."""

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from explorer.strategy.acquisition import ANYHOW, DOUBT, UNLIKE_MINIMUM, UNLIKE_TRIED, WINDOW, AcquisitionFunction
from explorer.strategy.energy_model import MOST, NARROWEST, NOISE, REACH, TorsionGaussianProcess

N_TORSIONS = 5
RNG = np.random.default_rng(7)


def features(torsions):
    return np.concatenate([np.cos(torsions), np.sin(torsions)], axis=-1)


def energy(torsions):
    """Threefold terms and two that couple neighbours, eV."""
    coupled = np.cos(torsions[..., :-1] - torsions[..., 1:]).sum(axis=-1)
    return 0.05 * np.cos(3 * torsions).sum(axis=-1) + 0.1 * coupled + 0.1 * np.cos(torsions[..., 0])


def drawn(n):
    return RNG.uniform(-np.pi, np.pi, (n, N_TORSIONS))


def test_a_guess_is_the_mean_of_the_gaussian_process():
    known, asked = drawn(19), drawn(6)
    energies = energy(known)
    guess = TorsionGaussianProcess()
    guess.fit((features(known), energies))

    def covariance(a, b):
        return np.exp(-(1 - np.cos(a[:, None] - b)).sum(axis=-1) / REACH)

    noise = (NOISE / max(energies.std(), NARROWEST)) ** 2 * np.eye(len(known))
    weights = np.linalg.inv(covariance(known, known) + noise) @ (energies - energies.mean())
    assert guess(features(asked)) == pytest.approx(energies.mean() + covariance(asked, known) @ weights, abs=1e-9)


def test_guesses_get_better_with_what_is_known():
    asked, ranks = drawn(200), []
    for n in (20, 200, 1500):
        known, guess = drawn(n), TorsionGaussianProcess()
        guess.fit((features(known), energy(known)))
        ranks.append(spearmanr(guess(features(asked)), energy(asked)).statistic)
    assert ranks == sorted(ranks)
    assert ranks[-1] > 0.9


def test_a_guess_does_not_depend_on_how_often_it_was_asked_for():
    known, asked = drawn(130), features(drawn(3))
    often, once = TorsionGaussianProcess(), TorsionGaussianProcess()
    for n in range(1, len(known) + 1):
        often.fit((features(known[:n]), energy(known[:n])))
    once.fit((features(known), energy(known)))
    np.testing.assert_array_equal(often(asked), once(asked))


def test_of_many_energies_the_lowest_count_and_that_others_are_high():
    low, high = 0.3 * RNG.normal(size=(MOST, N_TORSIONS)), np.pi + 0.3 * RNG.normal(size=(MOST, N_TORSIONS))
    guess = TorsionGaussianProcess()
    guess.fit((features(np.concatenate([low, high])), np.r_[0.001 * np.arange(MOST) / MOST, np.ones(MOST)]))
    assert guess._features.shape[0] == MOST
    assert guess(features(low)).max() < 0.1
    assert guess(features(high)).min() > 0.9  # with the lowest ones alone nothing says so


def test_chances_are_those_of_something_new_and_low():
    known, asked, away = drawn(40), drawn(8), drawn(2)
    aims = AcquisitionFunction(2 * N_TORSIONS)
    aims.add_minima(features(known), energy(known))
    guess = TorsionGaussianProcess()
    guess.fit((features(known), energy(known)))
    is_new = 1.0
    for those, length, power, anyhow in ((known, UNLIKE_MINIMUM, 2, 0), (away, UNLIKE_TRIED, 3, ANYHOW)):
        distance = (1 - np.cos(asked[:, None] - those)).sum(axis=-1).min(axis=1)
        is_new = is_new * (1 - (1 - anyhow) * np.exp(-((distance / length) ** power)))
    is_low = norm.cdf((energy(known).min() + WINDOW - guess(features(asked))) / DOUBT)
    for is_deep, wanted in ((False, is_new), (True, is_new * is_low)):
        chances = aims.log_probability(features(away), is_deep)(features(asked))
        assert np.exp(chances) == pytest.approx(wanted, abs=1e-6)


def test_what_was_tried_is_hardly_tried_again():
    known, tried = features(drawn(3)), features(drawn(1))
    aims = AcquisitionFunction(2 * N_TORSIONS)
    aims.add_minima(known, np.zeros(3))
    (before,) = aims.log_probability(known[:0], False)(tried)
    aims.add_starts(tried, np.array([np.nan]))
    (after,) = aims.log_probability(known[:0], False)(tried)
    assert after - before == pytest.approx(np.log(ANYHOW), abs=1e-3)


def test_a_turn_by_60_degrees_is_promising_until_a_relaxation_began_near_by():
    """What is near a minimum is not what is known to end there."""
    known, one = features(np.zeros((1, N_TORSIONS))), np.eye(N_TORSIONS)[:1]
    aims = AcquisitionFunction(2 * N_TORSIONS)
    aims.add_minima(known, np.zeros(1))
    beside = features(np.radians(60) * one)
    assert np.exp(aims.log_probability(known[:0], False)(beside)) > 0.9
    aims.add_starts(features(np.radians(90) * one), np.zeros(1))
    assert np.exp(aims.log_probability(known[:0], False)(beside)) < 0.05


def test_without_anything_known_every_jump_is_promising():
    aims = AcquisitionFunction(2 * N_TORSIONS)
    assert np.exp(aims.log_probability(np.empty((0, 2 * N_TORSIONS)), True)(features(drawn(2)))) == pytest.approx(1)


def test_where_relaxations_began_and_ended_improves_the_guess():
    """A jump that began at torsions where no minimum is known tells what one ends at from there."""
    known, tried = drawn(3), drawn(1)
    aims = AcquisitionFunction(2 * N_TORSIONS)
    aims.add_minima(features(known), np.zeros(3))
    aims.add_starts(features(tried), np.array([-3.0]))
    guess = TorsionGaussianProcess()
    guess.fit((features(known), np.zeros(3)), (features(tried), np.array([-3.0])))
    aims.log_probability(features(known[:0]), is_deep=True)
    assert aims._energy_model(features(tried)) == pytest.approx(guess(features(tried)), rel=1e-5)
    assert guess(features(tried)) < -2
    assert np.abs(guess(features(known))).max() < 1.5
