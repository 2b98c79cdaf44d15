"""Long-range energies of a molecule: electrostatics and dispersion of all unordered pairs of atoms."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.errors import ConfigError
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.free_atoms import free_atom_table
from explorer.potential.heads import BOHR, COULOMB, switch_off
from explorer.potential.pairs import MIN_PAIR_DISTANCE

_HARTREE, _FINE_STRUCTURE = 27.211386024367243, 0.007297352566206496  # eV, 1; CODATA 2014 as in `heads`
_SWITCH_START = 0.45  # of the cutoff, where force-shifting of the electrostatics starts; as published
_RADIUS_TO_DAMPING = 2 * 2.54  # Bohr per Bohr^(3/7); as published
_MAX_DISPERSION_DISTANCE = 1e4  # Å; beyond, dispersion is below 1e-20 eV, and tenth powers overflow in float32
_MIN_VOLUME = 1e-3  # Bohr³, so that the gradient of atoms without volume is finite


@dataclass(frozen=True)
class LongRange:
    """Cutoff of long-range interactions; the authors of SO3LR recommend 1000 Å for isolated molecules.

    The electrostatic energy without a cutoff is not the limit of a large cutoff, since a cutoff shifts the energy of
    every pair by its value there.

    Attributes:
        cutoff: Å; None for no cutoff.
        damping: Distance before the cutoff over which the dispersion is switched off, Å.
    """

    cutoff: float | None = 1000.0
    damping: float = 2.0

    def __post_init__(self):
        if self.damping <= 0:
            raise ConfigError(f"dispersion_damping must be larger than 0 Å, received {self.damping}.")
        if self.cutoff is not None and not self.damping < self.cutoff < math.inf:
            raise ConfigError(
                f"lr_cutoff must be larger than the dispersion damping ({self.damping} Å) and finite, or None for "
                f"no cutoff; received {self.cutoff}."
            )


class AllPairs(NamedTuple):
    """Pairs first < second; the mask is false for padding and beyond the cutoff, where the distance is 1 Å."""

    first: Int[Array, "A"]
    second: Int[Array, "A"]
    distance: Float[Array, "A"]
    mask: Bool[Array, "A"]


def all_pairs(positions: Float[Array, "N 3"], atom_mask: Bool[Array, "N"], cutoff: float | None) -> AllPairs:
    """List all pairs of atoms with their distances.

    Args:
        positions: Positions, Å.
        atom_mask: False on padding.
        cutoff: Å; None for no cutoff.
    """
    first, second = (jnp.asarray(k, jnp.int32) for k in np.triu_indices(positions.shape[0], k=1))
    squared = jnp.sum((positions[first] - positions[second]) ** 2, axis=-1)
    mask = atom_mask[first] & atom_mask[second]
    if cutoff is not None:
        mask = mask & (squared < cutoff**2)
    # masked pairs get distance 1 Å before the root is taken, so that gradients stay finite
    squared = jnp.maximum(jnp.where(mask, squared, 1.0), MIN_PAIR_DISTANCE**2)
    return AllPairs(first, second, jnp.sqrt(squared), mask)


def electrostatic_energy(
    charges: Float[Array, "N"], pairs: AllPairs, scale: float, cutoff: float | None
) -> Float[Array, ""]:
    """Compute the Coulomb energy of charges that are smeared over σ, eV.

    E = Σ_{i<j} k_e q_i q_j u(r) with U(r) = erf(r/σ)/r. Without a cutoff u = U; with one,
    u = U(r) - U(r_c) - (1 - f) U'(r_c) (r - r_c), where f switches from 1 to 0 between 0.45 r_c and r_c.

    Args:
        charges: q, e.
        pairs: All pairs with their distances r, Å.
        scale: σ, Å.
        cutoff: r_c, Å; None for no cutoff.
    """
    r = pairs.distance
    shape = jax.lax.erf(r / scale) / r
    if cutoff is not None:
        at_cutoff, slope = _smeared_coulomb(cutoff, scale)
        beyond = 1 - switch_off(r, _SWITCH_START * cutoff, cutoff)
        shape = shape - at_cutoff - beyond * slope * (r - cutoff)
    products = charges[pairs.first] * charges[pairs.second]
    return COULOMB * jnp.sum(jnp.where(pairs.mask, products * shape, 0))


def _smeared_coulomb(r: float, scale: float) -> tuple[float, float]:
    """U(r) and U'(r)."""
    value = math.erf(r / scale) / r
    slope = 2 * math.exp(-((r / scale) ** 2)) / (math.sqrt(math.pi) * scale * r) - value / r
    return value, slope


def dispersion_energy(
    ratios: Float[Array, "N"],
    atomic_numbers: Int[Array, "N"],
    pairs: AllPairs,
    scale: float,
    long_range: LongRange,
) -> Float[Array, ""]:
    """Compute the van der Waals energy of quantum Drude oscillators with damped C6, C8 and C10 terms, eV.

    V = - Σ_n C_n / (r^n + p^n), n = 6, 8, 10, with C8 = 5 C6 / γ and C10 = 245/8 C6 / γ²; the oscillator's γ and
    the damping length p follow from the mean polarisability of the pair.

    Args:
        ratios: h, volumes of the atoms relative to free atoms: α_i = h_i α⁰_i and C6_i = h_i² C6⁰_i.
        atomic_numbers: Atomic numbers.
        pairs: All pairs with their distances r, Å.
        scale: λ, factor of the damping length.
        long_range: Cutoff, before which the energy is switched off.

    Source: Khabibrakhmanov et al., J. Chem. Theory Comput. 19, 7895 (2023), doi:10.1021/acs.jctc.3c00797.
    """
    free_atoms = jnp.asarray(free_atom_table(N_ELEMENTS), ratios.dtype)[atomic_numbers]
    polarisability, c6 = free_atoms[:, 0], free_atoms[:, 1]
    volume = polarisability * ratios
    a1, a2, b1, b2 = polarisability[pairs.first], polarisability[pairs.second], c6[pairs.first], c6[pairs.second]
    # 2 C_i C_j α_i α_j / (α_i² C_j + α_j² C_i); the ratios factor out, so nothing is divided by a small volume
    free_c6 = 2 * b1 * b2 * a1 * a2 / (a1**2 * b2 + a2**2 * b1)
    pair_c6 = free_c6 * ratios[pairs.first] * ratios[pairs.second]
    length = jnp.maximum(0.5 * (volume[pairs.first] + volume[pairs.second]), _MIN_VOLUME) ** (1 / 7)
    width = _oscillator_width(length)
    damping = scale * _RADIUS_TO_DAMPING * length
    # distances in units of the damping length, whose powers stay in the range of float32
    x = (jnp.minimum(pairs.distance, _MAX_DISPERSION_DISTANCE) / BOHR / damping) ** 2
    y = (width / damping) ** 2
    series = 1 / (1 + x**3) + 10 * y / (1 + x**4) + 122.5 * y**2 / (1 + x**5)
    energy = -_HARTREE * pair_c6 / damping**6 * series
    if long_range.cutoff is not None:
        energy = energy * switch_off(pairs.distance, long_range.cutoff - long_range.damping, long_range.cutoff)
    return jnp.sum(jnp.where(pairs.mask, energy, 0))


def _oscillator_width(length: Float[Array, "A"]) -> Float[Array, "A"]:
    """Width s of the oscillator, 1/γ = 2 s², Bohr: a cubic in the van der Waals radius from the polarisability."""
    radius = _FINE_STRUCTURE ** (-4 / 21) * length
    return ((-0.00078893 * radius + 0.04125273) * radius + 0.24428889) * radius - 0.00433008
