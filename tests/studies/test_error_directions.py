"""Directions of bonds, angles and dihedrals are all that changes the shape of a molecule, and each is of its kind."""

import numpy as np
from studies.error_directions import directions

from explorer.io.build import from_smiles
from explorer.relax.coordinates import internal_coordinates
from explorer.relax.wilson import b_matrix


def test_directions_span_all_shapes_and_a_stretched_bond_is_one_of_bonds():
    molecule = from_smiles("CCO")
    coordinates = internal_coordinates(molecule)
    found = directions(coordinates, np.asarray(b_matrix(coordinates, molecule.positions)))
    every = np.hstack(list(found.values()))
    assert [along.shape[1] for along in found.values()] == [8, 3 * 9 - 6 - 8 - 2, 2]  # two bonds turn
    np.testing.assert_allclose(every.T @ every, np.eye(21), atol=1e-9)
    i, j = molecule.bonds[0]
    stretch = np.zeros((9, 3))
    stretch[i] = molecule.positions[i] - molecule.positions[j]
    stretch[j] = -stretch[i]
    within = found["bonds"] @ (found["bonds"].T @ stretch.ravel())
    np.testing.assert_allclose(within, stretch.ravel(), atol=1e-9)
