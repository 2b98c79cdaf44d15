"""Expected errors are compared with true ones on frames that are left out of the calibration."""

import numpy as np
import pytest

from explorer.uncertainty.predictions import CommitteePredictions
from explorer.uncertainty.validation import uncertainty_quality

N = 400


def predictions(force_error, force_spread, molecule, distance=None, energies=None, label=None):
    n = len(force_error)
    label = np.zeros(n) if label is None else label
    energies = np.zeros((n, 4)) if energies is None else energies
    distance = np.ones(n) if distance is None else distance
    return CommitteePredictions(
        molecule=np.asarray(molecule),
        label=label,
        energies=energies,
        force_error=force_error,
        force_spread=force_spread,
        distance=distance,
    )


def test_errors_with_one_law_for_all_molecules_are_predicted():
    rng = np.random.default_rng(0)
    spread, distance = np.exp(rng.normal(size=(2, N)))
    error = 0.2 * spread**0.8 * distance**0.3 * np.exp(0.05 * rng.normal(size=N))
    quality = uncertainty_quality(
        predictions(error, spread, np.repeat(list("abcd"), N // 4), distance), np.ones(N, bool), "test split"
    )
    assert quality.force_correlation > 0.98
    assert (quality.n_frames, quality.frames) == (N, "test split")
    assert quality.worst_flagged == quality.farthest_flagged == 1
    assert quality.trusted == pytest.approx(0.83, abs=0.06)


def test_frames_of_a_molecule_never_calibrate_themselves():
    """The error rises with the spread in one molecule and decreases in the other, which calibrates the first one."""
    spread = np.tile(np.geomspace(0.1, 10, N // 2), 2)
    error = np.concatenate([spread[: N // 2], 1 / spread[N // 2 :]])
    quality = uncertainty_quality(
        predictions(error, spread, np.repeat(["a", "b"], N // 2)), np.repeat([True, False], N // 2), "one"
    )
    assert quality.force_correlation == pytest.approx(-1)
    assert quality.n_frames == N // 2


def test_one_molecule_alone_cannot_be_tested():
    assert (
        uncertainty_quality(predictions(np.ones(N), np.ones(N), np.repeat(["a"], N)), np.ones(N, bool), "test split")
        is None
    )


def test_common_offset_of_all_conformers_does_not_change_the_spread_of_relative_energies():
    rng = np.random.default_rng(1)
    width = np.exp(rng.normal(size=N))
    noise = rng.normal(size=(N, 8)) * width[:, None]
    error = 1.5 * width * np.where(rng.random(N) < 0.5, -1, 1)
    label = noise.mean(axis=1) + error
    molecule = np.repeat(["a", "b"], N // 2)
    offsets = np.repeat(100 * rng.normal(size=(2, 8)), N // 2, axis=0)  # of every member in every molecule
    columns = np.exp(rng.normal(size=(2, N)))
    plain, shifted = (
        uncertainty_quality(
            predictions(*columns, molecule, energies=noise + more, label=label), np.ones(N, bool), "test split"
        )
        for more in (0, offsets)
    )
    assert plain.energy_correlation > 0.8
    assert shifted.energy_correlation == pytest.approx(plain.energy_correlation, abs=1e-6)


def test_energy_correlation_is_nan_without_a_committee():
    rng = np.random.default_rng(2)
    distance = np.exp(rng.normal(size=N))
    without_committee = predictions(
        0.1 * distance, np.full(N, np.nan), np.repeat(["a", "b"], N // 2), distance, np.zeros((N, 1))
    )
    quality = uncertainty_quality(without_committee, np.ones(N, bool), "test split")
    assert np.isnan(quality.energy_correlation)
    assert quality.force_correlation == pytest.approx(1)
