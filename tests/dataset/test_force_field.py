"""Force field: forces are those of MMFF94s, dynamics have the requested temperature, held torsions stay."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolTransforms

from explorer.dataset.force_field import MIN_STIFFNESS, ForceField
from explorer.dataset.scans import scan_torsions, torsion_path, torsion_scan
from explorer.errors import InputError
from explorer.io.build import embed
from explorer.units import BOLTZMANN, KCAL_PER_MOL


def molecule(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    force_field = ForceField(mol)
    return force_field, force_field.relax(embed(mol, 1, 1)[0], 2000)


def energy(mol, positions):
    """Return the energy of a new force field, eV."""
    mol = Chem.Mol(mol)
    mol.GetConformer().SetPositions(positions)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    return KCAL_PER_MOL * rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties).CalcEnergy()


def angle(mol, positions, torsion):
    mol.GetConformer().SetPositions(np.array(positions))
    return rdMolTransforms.GetDihedralDeg(mol.GetConformer(), *torsion)


def test_forces_are_minus_the_gradient_at_every_call():
    force_field, minimum = molecule("CC(=O)NC")
    rng = np.random.default_rng(1)
    assert np.abs(force_field.forces(minimum)).max() < 1e-3
    for _ in range(2):
        positions = minimum + rng.normal(0, 0.03, minimum.shape)
        direction = rng.normal(size=minimum.shape)
        slope = [energy(force_field.mol, positions + t * direction) for t in (-1e-4, 1e-4)]
        along = (force_field.forces(positions) * direction).sum()
        assert along == pytest.approx((slope[0] - slope[1]) / 2e-4, rel=1e-4)


def test_hessian_is_the_derivative_of_the_forces_and_positive_definite():
    force_field, minimum = molecule("CO")
    values, vectors = np.linalg.eigh(force_field.hessian(minimum))
    assert values[0] == pytest.approx(MIN_STIFFNESS)
    stiffest = vectors[:, -1].reshape(minimum.shape)
    change = force_field.forces(minimum - 1e-3 * stiffest) - force_field.forces(minimum + 1e-3 * stiffest)
    np.testing.assert_allclose(change / 2e-3, values[-1] * stiffest, atol=0.05)


def test_dynamics_have_the_potential_energy_of_their_temperature():
    force_field, minimum = molecule("CO")
    frames = list(force_field.dynamics(minimum, 300.0, 20_000, 10, np.random.default_rng(1)))
    mean = np.mean([energy(force_field.mol, frame) for frame in frames]) - energy(force_field.mol, minimum)
    modes = minimum.size - 6
    assert mean == pytest.approx(modes / 2 * BOLTZMANN * 300, rel=0.15)


def test_molecules_interact():
    force_field, _ = molecule("CO")
    pair, _ = molecule("CO.CO")
    one = force_field.relax(embed(force_field.mol, 1, 1)[0], 2000)
    near = np.concatenate([one, one + np.array([0, 0, 3.0])])
    order = [i for fragment in Chem.GetMolFrags(pair.mol) for i in fragment]  # hydrogens come after all heavy atoms
    positions = np.empty_like(near)
    positions[order] = near
    assert np.abs(pair.forces(positions)).max() > 10 * np.abs(force_field.forces(one)).max()


def test_scan_covers_360_degrees_and_a_path_takes_the_shorter_direction():
    force_field, minimum = molecule("CC(=O)N[C@@H](C)C(=O)NC")
    torsions = scan_torsions(force_field.mol)
    assert len(torsions) == 4  # two peptide bonds, phi and psi; no methyl group
    phi = next(t for t in torsions if force_field.mol.GetAtomWithIdx(t[2]).GetDegree() == 4)
    angles = np.array([angle(force_field.mol, p, phi) for p in torsion_scan(force_field, minimum, phi, 6)])
    steps = np.diff([angle(force_field.mol, minimum, phi), *angles]) % 360
    np.testing.assert_allclose(steps, 60, atol=3)
    end = torsion_scan(force_field, minimum, phi, 4)[0]
    (middle,) = torsion_path(force_field, minimum, end, 1)
    first, last = angle(force_field.mol, minimum, phi), angle(force_field.mol, end, phi)
    assert (angle(force_field.mol, middle, phi) - first) % 360 == pytest.approx(((last - first) % 360) / 2, abs=3)


def test_molecule_without_parameters_is_refused():
    with pytest.raises(InputError, match="no parameters"):
        ForceField(Chem.AddHs(Chem.MolFromSmiles("C[Se]C")))
