"""MMFF94s as a calculator, against new force fields of RDKit and finite differences of energies."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces
from rdkit.Chem import rdForceFieldHelpers

from explorer.bench.mmff import MMFF
from explorer.errors import InputError
from explorer.io.build import from_sequence, to_rdkit
from explorer.units import KCAL_PER_MOL


@pytest.mark.parametrize(("sequence", "caps"), [("GG", "none"), ("FD", "ace-nme")])
def test_a_cached_field_equals_a_new_one(sequence, caps):
    molecule = from_sequence(sequence, caps)
    atoms = Atoms(molecule.atomic_numbers, molecule.positions, info={"charge": molecule.total_charge})
    atoms.calc = MMFF()
    rng = np.random.default_rng(0)
    for scale in (0.0, 0.02, 0.3, 3.0, 0.02):
        atoms.positions = molecule.positions + rng.normal(scale=scale, size=molecule.positions.shape)
        mol = to_rdkit(molecule)
        mol.GetConformer().SetPositions(atoms.positions)
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)
        energy, gradient = field.CalcEnergy(), np.reshape(field.CalcGrad(), (-1, 3))
        assert atoms.get_potential_energy() == pytest.approx(energy * KCAL_PER_MOL, rel=1e-12)
        expected = -gradient * KCAL_PER_MOL
        np.testing.assert_allclose(atoms.get_forces(), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_forces_are_finite_differences_of_energies():
    molecule = from_sequence("G")
    atoms = Atoms(molecule.atomic_numbers, molecule.positions, calculator=MMFF())
    atoms.rattle(0.05, seed=1)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-5)


def test_given_bonds_are_not_perceived():
    """A molecule of twice the size keeps its bonds; from these positions none are perceived."""
    molecule = from_sequence("G")
    given = {name: getattr(molecule, name) for name in ("bonds", "bond_orders", "formal_charges")}
    whole = Atoms(molecule.atomic_numbers, molecule.positions, info=given, calculator=MMFF())
    stretched = Atoms(molecule.atomic_numbers, 2 * molecule.positions, info=given, calculator=MMFF())
    assert stretched.get_potential_energy() > whole.get_potential_energy() + 10
    without = Atoms(molecule.atomic_numbers, 2 * molecule.positions, calculator=MMFF())
    with pytest.raises(InputError, match="cannot be perceived"):
        without.get_potential_energy()


def test_an_atom_without_parameters_is_refused():
    atoms = Atoms("BH3", [(0, 0, 0), (1.19, 0, 0), (-0.595, 1.03, 0), (-0.595, -1.03, 0)], calculator=MMFF())
    with pytest.raises(InputError, match="MMFF94s has no parameters"):
        atoms.get_potential_energy()
