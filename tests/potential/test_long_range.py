"""Electrostatics and dispersion against sums over directed pairs, written from the published equations."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.errors import ConfigError
from explorer.potential.free_atoms import FREE_ATOMS, free_atom_table
from explorer.potential.long_range import LongRange, all_pairs, dispersion_energy, electrostatic_energy

RNG = np.random.default_rng(5)
NUMBERS = np.array([6, 1, 1, 8, 7, 16, 17, 15, 9, 6])
POSITIONS = RNG.uniform(-6, 6, (10, 3))
CHARGES = RNG.normal(scale=0.3, size=10)
RATIOS = RNG.uniform(0.5, 1.1, 10)
MASK = jnp.ones(10, bool)
ALL_CUTOFFS = [None, 12.0, 1000.0]


def coulomb(positions, cutoff, charges=CHARGES, mask=MASK):
    charges = jnp.asarray(charges)
    return electrostatic_energy(charges, all_pairs(positions, mask, cutoff), 4.0, cutoff)


def dispersion(positions, long_range, mask=MASK, numbers=NUMBERS, ratios=RATIOS):
    ratios, numbers = jnp.asarray(ratios), jnp.asarray(numbers)
    return dispersion_energy(ratios, numbers, all_pairs(positions, mask, long_range.cutoff), 1.2, long_range)


def switch(x, on, off):
    c = (x - on) / (off - on)
    if c <= 0 or c >= 1:
        return float(c <= 0)
    return math.exp(-1 / (1 - c)) / (math.exp(-1 / (1 - c)) + math.exp(-1 / c))


def directed_distances():
    for i in range(10):
        for j in range(10):
            if i != j:
                yield i, j, float(np.linalg.norm(POSITIONS[i] - POSITIONS[j]))


def published_coulomb(cutoff):
    def u(r):
        return math.erf(r / 4) / r

    def du(r):
        return (2 * r * math.exp(-((r / 4) ** 2)) / (math.sqrt(math.pi) * 4) - math.erf(r / 4)) / r**2

    energy = 0.0
    for i, j, r in directed_distances():
        if cutoff is None:
            value = u(r)
        else:
            f = switch(r, 0.45 * cutoff, cutoff)
            shifted = u(r) - u(cutoff)
            value = (f * shifted + (1 - f) * (shifted - du(cutoff) * (r - cutoff))) if r < cutoff else 0
        energy += 0.5 * 14.399645351950548 * CHARGES[i] * CHARGES[j] * value
    return energy


def published_dispersion(cutoff):
    bohr, hartree, fine = 0.5291772105638411, 27.211386024367243, 0.007297352566206496
    energy = 0.0
    for i, j, distance in directed_distances():
        (ai, ci), (aj, cj) = (np.array(FREE_ATOMS[NUMBERS[k]]) * [RATIOS[k], RATIOS[k] ** 2] for k in (i, j))
        alpha = (ai + aj) / 2
        c6 = 2 * ci * cj * ai * aj / (ai**2 * cj + aj**2 * ci)
        radius = fine ** (-4 / 21) * alpha ** (1 / 7)
        s = -0.00078893 * radius**3 + 0.04125273 * radius**2 + 0.24428889 * radius - 0.00433008
        gamma = 1 / (2 * s**2)
        p, r = 1.2 * 2 * 2.54 * alpha ** (1 / 7), distance / bohr
        v = -c6 / (r**6 + p**6) - 5 * c6 / gamma / (r**8 + p**8) - 245 / 8 * c6 / gamma**2 / (r**10 + p**10)
        energy += 0.5 * hartree * v * (1 if cutoff is None else switch(distance, cutoff - 2, cutoff))
    return energy


@pytest.mark.parametrize("cutoff", ALL_CUTOFFS)
def test_both_energies_equal_the_formulas(cutoff):
    assert any(r > 12 for *_, r in directed_distances())
    assert coulomb(POSITIONS, cutoff) == pytest.approx(published_coulomb(cutoff), abs=1e-12)
    assert dispersion(POSITIONS, LongRange(cutoff)) == pytest.approx(published_dispersion(cutoff), abs=1e-12)


def test_no_cutoff_and_a_large_one_differ_by_the_shift_of_every_pair():
    shift = sum(CHARGES[i] * CHARGES[j] for i, j, _ in directed_distances()) / 2 * 14.399645351950548 / 1000
    assert coulomb(POSITIONS, None) - coulomb(POSITIONS, 1000.0) == pytest.approx(shift, abs=1e-12)


def test_energies_and_forces_are_smooth_at_the_cutoff():
    @jax.jit
    def pair(x):
        positions = jnp.array([[0.0, 0, 0], [0, 0, x]])
        both = coulomb(positions, 12.0, jnp.array([0.5, -0.4]), MASK[:2])
        return both + dispersion(positions, LongRange(12.0), MASK[:2], NUMBERS[:2], RATIOS[:2])

    for function in (pair, jax.jit(jax.grad(pair))):
        assert abs(function(12 - 1e-6)) < 1e-8
        assert function(12 + 1e-6) == 0


@pytest.mark.parametrize("cutoff", ALL_CUTOFFS)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_atoms_on_top_of_each_other_and_far_away_have_finite_energies_and_forces(cutoff, dtype):
    distances = np.array([0.0, 1e-12, 11.999999, 12.0, 450.0, 999.9999, 1e3, 1e5, 1e9])
    positions = np.zeros((len(distances), 3, 3))
    positions[:, 1, 2], positions[:, 2, 0] = distances, 1.0
    charges, ratios = (jnp.asarray(x[:3], dtype) for x in (CHARGES, RATIOS))

    def both(positions):
        van_der_waals = dispersion(positions, LongRange(cutoff), MASK[:3], NUMBERS[:3], ratios)
        return coulomb(positions, cutoff, charges, MASK[:3]) + van_der_waals

    energy, gradient = jax.jit(jax.vmap(jax.value_and_grad(both)))(jnp.asarray(positions, dtype))
    assert energy.dtype == dtype
    assert np.isfinite(energy).all()
    assert np.isfinite(gradient).all()


def test_atoms_without_volume_have_finite_forces():
    gradient = jax.grad(lambda h: dispersion(POSITIONS, LongRange(), ratios=h))(jnp.zeros(10))
    assert np.isfinite(gradient).all()


def test_padding_has_no_energy_and_no_force():
    numbers, mask = np.append(NUMBERS, [0, 0]), jnp.append(MASK, jnp.zeros(2, bool))
    charges, ratios = np.append(CHARGES, [0.0, 0]), np.append(RATIOS, [1.0, 1])

    def energy(positions):
        return coulomb(positions, 12.0, charges, mask) + dispersion(positions, LongRange(12.0), mask, numbers, ratios)

    value, gradient = jax.jit(jax.value_and_grad(energy))(jnp.pad(POSITIONS, ((0, 2), (0, 0))))
    assert value == pytest.approx(published_coulomb(12.0) + published_dispersion(12.0), abs=1e-12)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[10:], 0)


def test_a_single_atom_has_no_long_range():
    assert coulomb(POSITIONS[:1], None, CHARGES[:1], MASK[:1]) == 0
    assert dispersion(POSITIONS[:1], LongRange(), MASK[:1], NUMBERS[:1], RATIOS[:1]) == 0


def test_an_element_without_free_atom_is_nan_and_never_silently_something_else():
    table = free_atom_table(119)
    np.testing.assert_array_equal(table[[0, 6, 2]], [[1, 1], [12.0, 46.6], [np.nan, np.nan]])


@pytest.mark.parametrize(("cutoff", "damping"), [(1.0, 2.0), (-5.0, 2.0), (math.inf, 2.0), (math.nan, 2.0), (12.0, 0)])
def test_impossible_cutoffs_are_refused(cutoff, damping):
    with pytest.raises(ConfigError, match="received"):
        LongRange(cutoff, damping)
