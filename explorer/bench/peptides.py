"""Peptides of any size to measure on: capped chains of alanine and glycine, wound into an alpha helix."""

from rdkit.Chem import rdMolTransforms

from explorer.errors import ConfigError
from explorer.io.build import from_rdkit, from_sequence, to_rdkit
from explorer.records import Molecule
from explorer.topology.bonds import topology_of

PHI, PSI, OMEGA = -63.0, -42.0, 180.0  # degrees
CAPS, ALANINE, GLYCINE = 12, 10, 7  # atoms of both caps, and of a residue


def peptide(n_atoms: int) -> Molecule:
    """Ac-(Ala,Gly)n-NHMe with so many atoms, alanine as far as possible.

    Args:
        n_atoms: 22, 42, 102, 162, 281, 571 and most other numbers.

    Raises:
        ConfigError: when no such peptide has that number of atoms.
    """
    for n_glycine in range(ALANINE):
        n_alanine, rest = divmod(n_atoms - CAPS - GLYCINE * n_glycine, ALANINE)
        if rest == 0 and n_alanine >= 0 and n_alanine + n_glycine > 0:
            return _helix(from_sequence("A" * n_alanine + "G" * n_glycine))
    raise ConfigError(f"No capped peptide of alanine and glycine has {n_atoms} atoms. Try 22, 42, 102, 162 or 281.")


def _helix(molecule: Molecule) -> Molecule:
    topology, mol = topology_of(molecule), to_rdkit(molecule)
    torsions = [(row, OMEGA) for row in topology.amides]
    torsions += [(row, angle) for pair in topology.backbone for row, angle in zip(pair, (PHI, PSI), strict=True)]
    conformer = mol.GetConformer()
    for atoms, angle in torsions:
        a, b, c, d = (int(k) for k in atoms)
        rdMolTransforms.SetDihedralDeg(conformer, a, b, c, d, angle)
    return from_rdkit(mol, conformer.GetPositions(), molecule.name, molecule.source)
