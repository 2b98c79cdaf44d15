"""Parts of the energy add up, and charges give charge and dipole."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from random_network import random_parameters

from explorer.io.build import embed, from_smiles, to_rdkit
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import evaluate_batch
from explorer.potential.properties import properties_of
from explorer.potential.so3krates import so3krates
from explorer.records.properties import DEBYE
from explorer.system import system_of

HP = Hyperparameters(
    n_features=16, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=8, electrostatics=True, dispersion=True
)
ACETATE = from_smiles("CC(=O)[O-]")
SYSTEM = system_of(ACETATE, jnp.float64)
POSITIONS = embed(to_rdkit(ACETATE), 3, 0)
CENTRED = POSITIONS - POSITIONS.mean(axis=1, keepdims=True)


def network(hp):
    return so3krates(hp, random_parameters(hp, 4), capacity=2)  # too few places: it makes room


def test_parts_add_up_to_the_energy_and_charges_to_charge_and_dipole():
    found = properties_of(network(HP), SYSTEM, CENTRED)
    rows = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (3, *leaf.shape)), SYSTEM)
    energies = jax.jit(evaluate_batch)(network(HP).replace(capacity=0), rows.replace(positions=jnp.asarray(CENTRED)))
    np.testing.assert_allclose(found.local + found.zbl + found.electrostatic + found.dispersion, energies.energy)
    np.testing.assert_allclose(found.charges.sum(axis=1), -1, atol=1e-12)
    np.testing.assert_allclose(found.dipoles, np.einsum("nj,njx->nx", found.charges, CENTRED), atol=1e-12)
    np.testing.assert_allclose(found.dipole_moments, DEBYE * np.linalg.norm(found.dipoles, axis=1))
    assert len(found) == 3


def test_one_elementary_charge_over_one_angstrom_is_4_8_debye():
    assert abs(DEBYE - 1.602176634e-19 * 1e-10 / 3.33564095e-30) < 1e-6


def test_models_without_charges_have_no_properties():
    neutral = replace(HP, electrostatics=False, dispersion=False)
    assert properties_of(network(neutral), SYSTEM, CENTRED) is None
    assert properties_of(lennard_jones(), SYSTEM, CENTRED) is None
    assert properties_of(network(HP), SYSTEM, CENTRED[:0]) is None
