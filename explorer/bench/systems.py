"""Systems for benchmarks: helices of alanine and glycine of any size, and random Lennard-Jones clusters."""

import numpy as np
from rdkit.Chem import rdMolTransforms

from explorer.errors import ConfigError
from explorer.io.build import from_rdkit, from_sequence, to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of

_ARGON = 18  # atomic number of the atoms of a Lennard-Jones cluster
START_DISTANCE = 0.8  # σ, smallest distance of two atoms of a random cluster; not tuned
START_RADIUS = 0.75  # σ, radius of a random cluster over the cube root of its number of atoms; not tuned
HELIX_PHI, HELIX_PSI, _HELIX_OMEGA = -63.0, -42.0, 180.0  # degrees, torsions of an α helix; not tuned
_CAP_ATOMS, _ALANINE_ATOMS, _GLYCINE_ATOMS = 12, 10, 7  # atoms of both caps together, and of a residue


def peptide(n_atoms: int) -> Molecule:
    """Return the helix of a capped peptide of alanine and as few glycines as possible with a given number of atoms.

    Args:
        n_atoms: Number of atoms: 22, 42, 102, 162, 281, 571 and most others.

    Raises:
        ConfigError: When no such peptide has that number of atoms.
    """
    for n_glycine in range(_ALANINE_ATOMS):
        n_alanine, rest = divmod(n_atoms - _CAP_ATOMS - _GLYCINE_ATOMS * n_glycine, _ALANINE_ATOMS)
        if rest == 0 and n_alanine >= 0 and n_alanine + n_glycine > 0:
            return _helix(from_sequence("A" * n_alanine + "G" * n_glycine))
    raise ConfigError(f"No capped peptide of alanine and glycine has {n_atoms} atoms. Try 22, 42, 102, 162 or 281.")


def _helix(molecule: Molecule) -> Molecule:
    topology, mol = topology_of(molecule), to_rdkit(molecule)
    torsions = [(atoms, _HELIX_OMEGA) for atoms in topology.amides]
    for pair in topology.backbone:
        torsions += zip(pair, (HELIX_PHI, HELIX_PSI), strict=True)
    conformer = mol.GetConformer()
    for atoms, angle in torsions:
        a, b, c, d = (int(k) for k in atoms)
        rdMolTransforms.SetDihedralDeg(conformer, a, b, c, d, angle)
    return from_rdkit(mol, conformer.GetPositions(), molecule.name, molecule.source)


def random_cluster(n_atoms: int, seed: int) -> Molecule:
    """Return atoms at random places in a ball of about the density of the solid, none closer than 0.8 σ.

    Args:
        n_atoms: Number of atoms.
        seed: Seed of the positions.
    """
    rng, radius = np.random.default_rng([seed, n_atoms]), START_RADIUS * n_atoms ** (1 / 3)
    positions = np.empty((0, 3))
    while len(positions) < n_atoms:
        place = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(place) <= radius and np.all(np.linalg.norm(positions - place, axis=1) >= START_DISTANCE):
            positions = np.vstack([positions, place])
    return Molecule(
        name=f"LJ{n_atoms}",
        atomic_numbers=np.full(n_atoms, _ARGON),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n_atoms, int),
    )
