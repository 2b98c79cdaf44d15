"""Padding changes no prediction."""

import numpy as np
import pytest

from explorer.io.build import embed, from_smiles, to_rdkit
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.load import load_potential
from explorer.potential.padding import with_padding
from explorer.potential.potential import components, evaluate
from explorer.potential.prediction import predict_all
from explorer.sizes import rounded_size
from explorer.system import system_of

MOLECULE = from_smiles("CC(=O)NCC(O)O")  # 17 atoms, 18 with padding


@pytest.mark.parametrize("n", range(1, 200))
def test_sizes_grow_little_and_stay(n):
    assert n <= rounded_size(n) <= 1.125 * n
    assert rounded_size(rounded_size(n)) == rounded_size(n)


def test_predictions_are_those_without_padding():
    potential, system = load_potential("default", MOLECULE)[0], system_of(MOLECULE, np.dtype("float64"))
    positions = embed(to_rdkit(MOLECULE), 3, seed=1)
    assert len(with_padding(potential, system).positions) > MOLECULE.n_atoms
    predicted, _ = predict_all(potential, system, positions)
    for k, at in enumerate(positions):
        expected, parts = (
            evaluate(potential, system.replace(positions=at)),
            components(potential, system.replace(positions=at)),
        )
        np.testing.assert_allclose(predicted.mean().energy[k], expected.energy, atol=1e-10)
        np.testing.assert_allclose(predicted.forces[k, 0], expected.forces, atol=1e-10)
        np.testing.assert_allclose(predicted.parts.charges[k], parts.charges, atol=1e-10)
        np.testing.assert_allclose(predicted.parts.features[k], parts.features, atol=1e-10)


def test_analytic_potentials_receive_no_padding():
    system = system_of(MOLECULE, np.dtype("float64"))
    assert len(with_padding(lennard_jones(), system).positions) == MOLECULE.n_atoms
