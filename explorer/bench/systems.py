"""Systems to measure on: alpha helices of alanine and glycine of any size, and random Lennard-Jones clusters."""

import numpy as np
from rdkit.Chem import rdMolTransforms

from explorer.errors import ConfigError
from explorer.io.build import from_rdkit, from_sequence, to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of

ARGON = 18
CLOSEST, ROOM = 0.8, 0.75  # of two atoms at the start, and of its radius over the cube root of their number, σ
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


def random_cluster(n_atoms: int, seed: int) -> Molecule:
    """Atoms strewn over a ball of about the density of the solid, no two of them closer than 0.8 σ."""
    rng, radius = np.random.default_rng([seed, n_atoms]), ROOM * n_atoms ** (1 / 3)
    positions = np.empty((0, 3))
    while len(positions) < n_atoms:
        place = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(place) <= radius and np.all(np.linalg.norm(positions - place, axis=1) >= CLOSEST):
            positions = np.vstack([positions, place])
    return Molecule(
        name=f"LJ{n_atoms}",
        atomic_numbers=np.full(n_atoms, ARGON),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n_atoms, int),
    )
