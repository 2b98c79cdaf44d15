"""The surrogate: forces are those of MMFF94s, its dynamics has the temperature, held torsions stay."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolTransforms

from explorer.dataset.force_field import SOFTEST, ForceField
from explorer.dataset.scans import path, rotors, scan
from explorer.errors import InputError
from explorer.io.build import embed
from explorer.units import BOLTZMANN, KCAL_PER_MOL


def molecule(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    surrogate = ForceField(mol)
    return surrogate, surrogate.relax(embed(mol, 1, 1)[0], 2000)


def energy(mol, positions):
    """eV, of a force field that is made anew."""
    mol = Chem.Mol(mol)
    mol.GetConformer().SetPositions(positions)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    return KCAL_PER_MOL * rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties).CalcEnergy()


def angle(mol, positions, torsion):
    mol.GetConformer().SetPositions(np.array(positions))
    return rdMolTransforms.GetDihedralDeg(mol.GetConformer(), *torsion)


def test_forces_are_those_of_the_positions_asked_about_each_time():
    surrogate, minimum = molecule("CC(=O)NC")
    rng = np.random.default_rng(1)
    assert np.abs(surrogate.forces(minimum)).max() < 1e-3
    for _ in range(2):
        positions = minimum + rng.normal(0, 0.03, minimum.shape)
        direction = rng.normal(size=minimum.shape)
        slope = [energy(surrogate.mol, positions + t * direction) for t in (-1e-4, 1e-4)]
        along = (surrogate.forces(positions) * direction).sum()
        assert along == pytest.approx((slope[0] - slope[1]) / 2e-4, rel=1e-4)


def test_hessian_is_that_of_the_forces_and_positive():
    surrogate, minimum = molecule("CO")
    values, vectors = np.linalg.eigh(surrogate.hessian(minimum))
    assert values[0] == pytest.approx(SOFTEST)
    stiffest = vectors[:, -1].reshape(minimum.shape)
    change = surrogate.forces(minimum - 1e-3 * stiffest) - surrogate.forces(minimum + 1e-3 * stiffest)
    np.testing.assert_allclose(change / 2e-3, values[-1] * stiffest, atol=0.05)


def test_walk_has_the_potential_energy_of_its_temperature():
    surrogate, minimum = molecule("CO")
    frames = list(surrogate.walk(minimum, 300.0, 20_000, 10, np.random.default_rng(1)))
    mean = np.mean([energy(surrogate.mol, frame) for frame in frames]) - energy(surrogate.mol, minimum)
    modes = minimum.size - 6
    assert mean == pytest.approx(modes / 2 * BOLTZMANN * 300, rel=0.15)


def test_molecules_see_each_other():
    surrogate, _ = molecule("CO")
    pair, _ = molecule("CO.CO")
    one = surrogate.relax(embed(surrogate.mol, 1, 1)[0], 2000)
    near = np.concatenate([one, one + np.array([0, 0, 3.0])])
    order = [i for fragment in Chem.GetMolFrags(pair.mol) for i in fragment]  # hydrogens come after all heavy atoms
    positions = np.empty_like(near)
    positions[order] = near
    assert np.abs(pair.forces(positions)).max() > 10 * np.abs(surrogate.forces(one)).max()


def test_scan_turns_all_the_way_round_and_a_path_goes_the_shorter_way():
    surrogate, minimum = molecule("CC(=O)N[C@@H](C)C(=O)NC")
    torsions = rotors(surrogate.mol)
    assert len(torsions) == 4  # two peptide bonds, phi and psi; no methyl group
    phi = next(t for t in torsions if surrogate.mol.GetAtomWithIdx(t[2]).GetDegree() == 4)
    angles = np.array([angle(surrogate.mol, p, phi) for p in scan(surrogate, minimum, phi, 6)])
    steps = np.diff([angle(surrogate.mol, minimum, phi), *angles]) % 360
    np.testing.assert_allclose(steps, 60, atol=3)
    end = scan(surrogate, minimum, phi, 4)[0]
    (middle,) = path(surrogate, minimum, end, 1)
    first, last = angle(surrogate.mol, minimum, phi), angle(surrogate.mol, end, phi)
    assert (angle(surrogate.mol, middle, phi) - first) % 360 == pytest.approx(((last - first) % 360) / 2, abs=3)


def test_molecule_without_parameters_is_refused():
    with pytest.raises(InputError, match="no parameters"):
        ForceField(Chem.AddHs(Chem.MolFromSmiles("C[Se]C")))
