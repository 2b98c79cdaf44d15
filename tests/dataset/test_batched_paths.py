"""Relaxations and dynamics of several molecules at a time, on a surface whose minima and energies are known."""

from itertools import pairwise

import numpy as np
import pytest

from explorer.dataset.batched_paths import relax_together, run_together
from explorer.dataset.network_reference import SingleStructure
from explorer.units import BOLTZMANN

STIFFNESS = 8.0  # eV/Å², of every atom to its place
PLACES = {2: np.array([[0.0, 0, 0], [0, 0, 1.1]]), 3: np.array([[0.0, 0, 0], [1, 0, 0], [0, 1.5, 0]])}


def harmonic(structures):
    """Energies and forces of atoms that springs hold at their places."""
    off = [s.positions - PLACES[len(s.numbers)] for s in structures]
    return [(0.5 * STIFFNESS * float((d**2).sum()), -STIFFNESS * d) for d in off]


def _start(n: int, shift: float, seed: int = 0) -> SingleStructure:
    noise = np.random.default_rng(seed).normal(size=(n, 3))
    return SingleStructure(np.full(n, 6), 0, 0, PLACES[n] + shift * noise)


def test_relaxations_of_different_molecules_end_at_their_minima():
    starts = [_start(2, 0.3), _start(3, 0.3)]
    hessians = [2.0 * np.eye(3 * len(s.numbers)) for s in starts]
    for start, path in zip(starts, relax_together(harmonic, starts, hessians, 60, 1e-3), strict=True):
        np.testing.assert_array_equal(path[0], start.positions)
        np.testing.assert_allclose(path[-1], PLACES[len(start.numbers)], atol=1e-3)
        energies = [harmonic([start._replace(positions=x)])[0][0] for x in path]
        assert max(np.diff(energies)) < 0.05 + 1e-9


def test_limit_of_steps_and_of_their_length():
    (path,) = relax_together(harmonic, [_start(3, 2.0)], [0.5 * np.eye(9)], 5, 1e-3)
    assert len(path) == 6
    assert max(np.linalg.norm(b - a, axis=-1).max() for a, b in pairwise(path)) <= 0.15 + 1e-9


def test_row_without_finite_forces_ends_alone():
    def fails(structures):
        labels = zip(structures, harmonic(structures), strict=True)
        return [(np.nan, f) if len(s.numbers) == 2 else (e, f) for s, (e, f) in labels]

    starts = [_start(2, 0.3), _start(3, 0.3)]
    first, second = relax_together(fails, starts, [np.eye(6), np.eye(9)], 60, 1e-3)
    assert first == []
    np.testing.assert_allclose(second[-1], PLACES[3], atol=1e-3)
    first, second = run_together(fails, starts, [300.0, 300.0], 10, 5, 1.0, [np.random.default_rng(0)] * 2)
    assert (len(first), len(second)) == (0, 2)


def test_dynamics_sample_the_temperature():
    """The mean potential energy of a spring is kT/2 for each coordinate."""
    starts = [_start(3, 0.0)] * 40
    paths = run_together(harmonic, starts, [600.0] * 40, 400, 10, 1.0, [np.random.default_rng(k) for k in range(40)])
    energies = [harmonic([starts[0]._replace(positions=x)])[0][0] for path in paths for x in path[10:]]
    assert np.mean(energies) == pytest.approx(9 / 2 * BOLTZMANN * 600, rel=0.1)
