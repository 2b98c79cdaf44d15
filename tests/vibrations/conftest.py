"""A force field of springs and van der Waals pairs: soft torsions like a peptide's, compiled in seconds."""

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.io.build import from_sequence
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.wilson import internal_values


@pytest.fixture(scope="session")
def peptide() -> Molecule:
    """Ac-Ala-NHMe, 22 atoms."""
    return from_sequence("A")


@pytest.fixture(scope="session")
def force_field(peptide) -> Potential:
    """Springs up to three times as stiff as the model Hessian, and r⁻¹² - r⁻⁶ between all atoms."""
    coordinates = internal_coordinates(peptide)
    rng = np.random.default_rng(0)
    stiffness = 1.5 * coordinates.stiffness * np.exp(rng.uniform(-0.7, 0.7, len(coordinates.stiffness)))
    rest = np.asarray(internal_values(coordinates, jnp.asarray(peptide.positions)))

    def energy_fn(params, system, pairs):
        bent = internal_values(coordinates, system.positions) - rest
        # a cosine has no seam at 180 degrees and is a parabola about its minimum
        n = len(rest) - coordinates.n_dihedrals
        springs = jnp.sum(stiffness[:n] * bent[:n] ** 2) / 2 + jnp.sum(stiffness[n:] * (1 - jnp.cos(bent[n:])))
        squared = jnp.sum((system.positions[pairs.first] - system.positions[pairs.second]) ** 2, axis=-1)
        ratio = 2.5**2 / jnp.where(pairs.mask, squared, 1.0)
        return springs + 0.005 * jnp.sum(jnp.where(pairs.mask & (squared > 4.0), ratio**6 - 2 * ratio**3, 0))

    return Potential(params={}, energy_fn=energy_fn)
