"""Low-rank radial filters: the same energies and forces as the filter networks."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.io.build import from_sequence
from explorer.potential.basis import CHEBYSHEV_START, N_CHEBYSHEV, chebyshev_basis
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import load_potential
from explorer.potential.low_rank import low_rank
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.records.molecule import Molecule
from explorer.system import from_arrays, system_of

HP = Hyperparameters(n_features=32, n_heads=2, degrees=(1, 2), n_layers=2, value_filter=True)
_evaluate = jax.jit(evaluate)


@cache
def parameters() -> dict:
    return random_parameters(HP, 3)


def test_chebyshev_polynomials_are_those_of_numpy():
    distances = np.linspace(CHEBYSHEV_START, 4.5, 400)
    x = 2 * (distances - CHEBYSHEV_START) / (4.5 - CHEBYSHEV_START) - 1
    expected = np.polynomial.chebyshev.chebvander(x, N_CHEBYSHEV - 1)
    np.testing.assert_allclose(chebyshev_basis(jnp.asarray(distances), 4.5), expected, atol=1e-10)


def test_chebyshev_polynomials_are_finite_outside_their_interval():
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda d: chebyshev_basis(d[None], 4.5).sum())))
    value, slope = both(jnp.array([0.0, 9.0]))
    assert np.isfinite(value).all()
    np.testing.assert_array_equal(slope, 0)


def test_low_rank_filters_keep_energy_and_forces():
    system = system_of(from_sequence("A"), jnp.float64)
    exact, fast = (_evaluate(so3krates(*model), system) for model in ((HP, parameters()), low_rank(HP, parameters())))
    assert abs(exact.energy - fast.energy) < 1e-8
    np.testing.assert_allclose(fast.forces, exact.forces, atol=1e-7)


def test_linear_filters_are_returned_unchanged():
    linear = Hyperparameters(n_features=32, n_heads=2, degrees=(1, 2), radial_filter="linear")
    params = {"nothing": "is touched"}
    assert low_rank(linear, params) == (linear, params)


@pytest.mark.slow
def test_published_low_rank_filters_keep_energy_and_forces_of_162_atoms(reference_data):
    case = np.load(reference_data / "parity" / "ala15_folded.npz")
    numbers, positions = case["atomic_numbers"], case["positions"]
    molecule = Molecule(
        name="ala15",
        atomic_numbers=numbers,
        positions=positions,
        bonds=np.empty((0, 2), int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(len(numbers), int),
    )
    system = from_arrays(numbers, positions, dtype=jnp.float64)
    exact, fast = (
        _evaluate(load_potential(f"so3lr:{reference_data / 'so3lr'}", molecule, "float64", exact=exact)[0], system)
        for exact in (True, False)
    )
    assert abs(exact.energy - fast.energy) < 1e-6
    np.testing.assert_allclose(fast.forces, exact.forces, atol=1e-6)
