"""MMFF94s as an ASE calculator: a cheap analytic surface with realistic torsions of peptides, for benchmarks."""

from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from rdkit.ForceField.rdForceField import ForceField

from explorer.errors import InputError
from explorer.io.build import to_rdkit
from explorer.io.perceive import perceive_with_charge
from explorer.records.molecule import Molecule
from explorer.units import KCAL_PER_MOL


class MMFF(Calculator):
    """Energy (eV) and forces (eV/Å) of MMFF94s, without a cutoff, by RDKit.

    Bonds, their orders and formal charges come from `atoms.info` (`bonds`, `bond_orders`, `formal_charges`), or are
    perceived from the first positions and `charge`. They are kept until the calculator gets other atoms.

    Args:
        variant: `MMFF94s`, with planar amide nitrogens, or `MMFF94`.
        options: Options of ASE's `Calculator`, such as `label`.

    Raises:
        InputError: When bonds cannot be perceived, or MMFF94 has no parameters for a type of atom.

    Source: Halgren, J. Comput. Chem. 20, 720 (1999), doi:10.1002/(SICI)1096-987X(199905)20:7<720::AID-JCC7>3.0.CO;2-X.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, variant: str = "MMFF94s", **options):
        super().__init__(**options)
        self.variant = variant
        self._field: ForceField | None = None
        self._of: tuple = ()

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute energy and forces together.

        Raises:
            InputError: When there are no atoms, bonds cannot be perceived, or parameters are missing.
        """
        super().calculate(atoms, properties, system_changes)
        if self.atoms is None:
            raise InputError("A calculator without atoms was asked for energies; call calculate(atoms).")
        field = self._field_of(self.atoms)
        flat = self.atoms.positions.ravel().tolist()
        # the energy first: only that call discards the interatomic distances of the previous call
        energy = field.CalcEnergy(flat)
        gradient = np.array(field.CalcGrad(flat)).reshape(-1, 3)
        self.results = {"energy": energy * KCAL_PER_MOL, "forces": -gradient * KCAL_PER_MOL}

    def _field_of(self, atoms: Atoms) -> ForceField:
        bonds = np.asarray(atoms.info.get("bonds", ()))
        key = (atoms.numbers.tobytes(), bonds.tobytes(), atoms.info.get("charge", 0))
        if self._field is None or key != self._of:
            self._field, self._of = mmff_field(_molecule(atoms), self.variant), key
        return self._field


def mmff_field(mol: Chem.Mol, variant: str = "MMFF94s") -> ForceField:
    """Return the force field of a molecule with explicit hydrogens, in kcal/mol and Å.

    Args:
        mol: Molecule with a conformer.
        variant: `MMFF94s` or `MMFF94`.

    Raises:
        InputError: When MMFF94 has no parameters for a type of atom.
    """
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=variant)
    if properties is None:
        raise InputError(f"{variant} has no parameters for all atoms of {Chem.MolToSmiles(Chem.RemoveHs(mol))}.")
    return rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, nonBondedThresh=np.inf)


def _molecule(atoms: Atoms) -> Chem.Mol:
    names = ("bonds", "bond_orders", "formal_charges")
    if all(name in atoms.info for name in names):
        return to_rdkit(
            Molecule(
                name="",
                atomic_numbers=atoms.numbers,
                positions=atoms.positions,
                **{name: atoms.info[name] for name in names},
            )
        )
    mol = perceive_with_charge(atoms.numbers, atoms.positions, int(atoms.info.get("charge", 0)))
    # implicit hydrogens stand for bonds that RDKit did not perceive
    if mol is None or any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        raise InputError(
            f"The bonds of {atoms.get_chemical_formula()} cannot be perceived for charge "
            f"{atoms.info.get('charge', 0)}; state atoms.info['charge'], or bonds, bond_orders and formal_charges."
        )
    return mol
