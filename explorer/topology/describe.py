"""Description of a molecule in words, printed by the command line."""

from ase.data import chemical_symbols
from ase.formula import Formula
from rdkit import Chem

from explorer.io.build import to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import amide_conformation, dihedrals
from explorer.wording import counted


def describe(molecule: Molecule) -> dict:
    """Collect counts, charge, stereochemistry (CIP labels of RDKit) and amide torsions of a molecule.

    Args:
        molecule: Molecule to describe.

    Returns:
        Values by name: name, source, formula, n_atoms, charge (e), multiplicity, n_bonds, n_rotatable_bonds,
        n_residues, chirality and amides. `chirality` maps atom names to "R" or "S", to "r" or "s" for centres that
        depend on other centres, or to "?" if undefined. `amides` maps labels such as "C-N" to omega in degrees.
    """
    topology = topology_of(molecule)
    names = molecule.atom_names
    labels = {}
    if len(topology.chiral_centres) or len(topology.ring_pairs):
        centres = Chem.FindMolChiralCenters(to_rdkit(molecule), includeUnassigned=True, useLegacyImplementation=False)
        labels = {names[atom]: label for atom, label in centres}
    omegas = dihedrals(molecule.positions, topology.amides)
    return {
        "name": molecule.name,
        "source": molecule.source,
        "formula": str(Formula.from_list([chemical_symbols[n] for n in molecule.atomic_numbers]).format("hill")),
        "n_atoms": molecule.n_atoms,
        "charge": molecule.total_charge,
        "multiplicity": molecule.multiplicity,
        "n_bonds": len(molecule.bonds),
        "n_rotatable_bonds": len(topology.rotatable_bonds),
        "n_residues": len(topology.backbone),
        "chirality": labels,
        "amides": {
            f"{names[q[1]]}-{names[q[2]]}": round(float(w), 1) for q, w in zip(topology.amides, omegas, strict=True)
        },
    }


def describe_lines(molecule: Molecule) -> list[str]:
    """Format the values of `describe` as lines of text."""
    facts = describe(molecule)
    lines = [
        f"{facts['name']}: {facts['formula']}, {counted(facts['n_atoms'], 'atom')}, charge {facts['charge']}, "
        f"multiplicity {facts['multiplicity']}",
        f"{counted(facts['n_bonds'], 'bond')}, {facts['n_rotatable_bonds']} rotatable; "
        f"{counted(facts['n_residues'], 'residue')} with phi and psi",
    ]
    if facts["chirality"]:
        lines.append("chirality: " + ", ".join(f"{atom} {label}" for atom, label in facts["chirality"].items()))
    if facts["amides"]:
        amides = (f"{atoms} {omega:.0f} deg ({amide_conformation(omega)})" for atoms, omega in facts["amides"].items())
        lines.append("amides: " + ", ".join(amides))
    return [*lines, *(f"Note: {remark}" for remark in molecule.remarks)]
