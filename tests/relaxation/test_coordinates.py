"""Internal coordinates span all vibrations; stiffness of torsions."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fragments import two_waters

from explorer.io.build import from_sequence, from_smiles
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.model_hessian import CONJUGATED_TORSION_STIFFNESS, TORSION_STIFFNESS
from explorer.relaxation.wilson import b_matrix

FLAT_WATERS = np.array(
    [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0], [2.9, 0, 0], [3.5, 0.75, 0], [3.5, -0.75, 0]], dtype=float
)


def rank(coordinates, positions) -> int:
    matrix = np.asarray(jax.jit(b_matrix, static_argnums=0)(coordinates, jnp.asarray(positions)))
    singular = np.linalg.svd(np.sqrt(coordinates.stiffness)[:, None] * matrix, compute_uv=False)
    return int(np.sum(singular > 1e-2))


@pytest.mark.parametrize("smiles", ["O", "N", "C=C", "C1CCCC1C(=O)O"])
def test_coordinates_span_all_vibrations(smiles):
    molecule = from_smiles(smiles)
    assert rank(internal_coordinates(molecule), molecule.positions) == 3 * molecule.n_atoms - 6


@pytest.mark.parametrize("smiles", ["O=C=O", "CC#CC", "C=C=C"])
def test_molecules_with_straight_angles_are_spanned(smiles):
    molecule = from_smiles(smiles)
    coordinates = internal_coordinates(molecule)
    n_rigid = 5 if molecule.n_atoms <= 4 else 6
    assert len(coordinates.linear) > 0
    # a linear bend turns with the molecule, so a bent start may add a rigid direction
    assert rank(coordinates, molecule.positions) >= 3 * molecule.n_atoms - n_rigid


@pytest.mark.parametrize("sequence", ["AAA", "H"])
def test_peptides_are_spanned(sequence):
    molecule = from_sequence(sequence)
    coordinates = internal_coordinates(molecule)
    assert rank(coordinates, molecule.positions) == 3 * molecule.n_atoms - 6


def test_two_fragments_are_connected():
    molecule = two_waters()
    assert rank(internal_coordinates(molecule), molecule.positions) >= 3 * 6 - 6


def test_two_fragments_in_one_plane_resist_motion_out_of_it():
    molecule = two_waters()
    flat = replace(molecule, positions=FLAT_WATERS)
    lifted = np.repeat([1.0, 0.0], 3)  # the first water leaves the plane
    coordinates = internal_coordinates(flat)
    change = np.asarray(b_matrix(coordinates, jnp.asarray(FLAT_WATERS))) @ np.kron(lifted, [0, 0, 1])
    assert np.sum(coordinates.stiffness * change**2) > 0.1


def test_capped_tripeptide_has_the_counted_set():
    coordinates = internal_coordinates(from_sequence("AAA"))
    assert len(coordinates.stiffness) == 212
    assert len(coordinates.distances) == 41


@pytest.mark.parametrize(
    ("smiles", "atoms", "stiff"),
    [
        ("CC(=O)NC", (1, 3), True),
        ("CC(=O)NC", (3, 4), False),
        ("c1ccccc1", (0, 1), True),
        ("c1ccccc1", (1, 2), True),
        ("C=CC=C", (1, 2), False),
        ("C1CCCCC1", (0, 1), False),
        ("c1cc[nH]c1", (2, 3), True),
        ("CC=CC", (1, 2), True),
    ],
)
def test_torsion_stiffness_of_a_bond_is_shared_and_depends_on_conjugation(smiles, atoms, stiff):
    coordinates = internal_coordinates(from_smiles(smiles))
    n_other = len(coordinates.stiffness) - len(coordinates.dihedrals)
    about = [set(d[1:3]) == set(atoms) and set(d[:1]) != set(atoms) for d in coordinates.dihedrals.tolist()]
    bonded = {frozenset(pair) for pair in coordinates.distances.tolist()}
    proper = [frozenset(d[:2]) in bonded and frozenset(d[2:]) in bonded for d in coordinates.dihedrals.tolist()]
    chosen = np.array(about) & np.array(proper)
    total = coordinates.stiffness[n_other:][chosen].sum()
    assert total == pytest.approx(CONJUGATED_TORSION_STIFFNESS if stiff else TORSION_STIFFNESS)
