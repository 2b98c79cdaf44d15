"""Directions of bonds, angles and dihedrals span all changes of shape of a molecule."""

import numpy as np
from studies.error_directions import directions

from explorer.io.build import from_smiles
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.wilson import b_matrix


def test_directions_span_all_shapes_and_a_bond_stretch_is_among_those_of_bonds():
    molecule = from_smiles("CCO")
    coordinates = internal_coordinates(molecule)
    by_coordinate = directions(coordinates, np.asarray(b_matrix(coordinates, molecule.positions)))
    every = np.hstack(list(by_coordinate.values()))
    assert [along.shape[1] for along in by_coordinate.values()] == [8, 3 * 9 - 6 - 8 - 2, 2]  # two bonds turn
    np.testing.assert_allclose(every.T @ every, np.eye(21), atol=1e-9)
    i, j = molecule.bonds[0]
    stretch = np.zeros((9, 3))
    stretch[i] = molecule.positions[i] - molecule.positions[j]
    stretch[j] = -stretch[i]
    within = by_coordinate["bonds"] @ (by_coordinate["bonds"].T @ stretch.ravel())
    np.testing.assert_allclose(within, stretch.ravel(), atol=1e-9)
