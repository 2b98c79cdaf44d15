"""Molecules from a SMILES string or a one-letter sequence, embedded in 3D with RDKit's ETKDGv3."""

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Int
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from rdkit.rdBase import BlockLogs

from explorer.errors import InputError
from explorer.io.sequence import Caps, d_residues, peptide_name, peptide_smiles
from explorer.io.stereo import stereo_remarks
from explorer.records.molecule import Molecule
from explorer.time_limit import within_time

_MANY_ATOMS = 150  # above it an embedding takes seconds and more
_EMBEDDING_SECONDS = 20  # limit of each of the two attempts, which RDKit checks between some of its steps; not tuned
_MOST_SECONDS = 60  # limit of both attempts for one structure; RDKit exceeds its own by far; not tuned
_MOST_ATOMS = 250  # heavy atoms, a peptide of about 30 residues; an alkane of 100 is not embedded in time; not tuned

BOND_TYPES = {1.0: Chem.BondType.SINGLE, 2.0: Chem.BondType.DOUBLE, 3.0: Chem.BondType.TRIPLE}


def from_sequence(sequence: str, caps: Caps = "ace-nme", seed: int = 1) -> Molecule:
    """Build and embed a peptide from its sequence.

    Args:
        sequence: Residues as in `peptide_smiles`.
        caps: Chain ends as in `peptide_smiles`.
        seed: Seed of the embedding.

    Raises:
        InputError: For the reasons of `peptide_smiles` and `from_smiles`.
    """
    name, mirrored = peptide_name(sequence, caps), d_residues(sequence)
    molecule = from_smiles(peptide_smiles(sequence, caps), name=name, source=f"sequence {sequence.strip()}", seed=seed)
    remarks = (f"Lower case is a D residue: {', '.join(mirrored)}.",) if mirrored else ()
    return replace(molecule, remarks=(*remarks, *molecule.remarks))


def from_smiles(smiles: str, name: str = "molecule", source: str = "", seed: int = 1) -> Molecule:
    """Build and embed a molecule from SMILES; hydrogens are added.

    Args:
        smiles: SMILES of one molecule.
        name: Name of the molecule.
        source: Origin of the molecule; the SMILES by default.
        seed: Seed of the embedding.

    Raises:
        InputError: If RDKit cannot read or embed the molecule, or if it has several fragments.
    """
    with BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or not mol.GetNumAtoms():
        raise InputError(f"SMILES {smiles[:80]!r} could not be read. Check brackets, ring closures and valences.")
    if len(Chem.GetMolFrags(mol)) != 1:
        raise InputError(
            f"One molecule was expected, received several in SMILES {smiles[:80]!r}. Remove the part after the dot."
        )
    if mol.GetNumAtoms() > _MOST_ATOMS:
        raise InputError(
            f"At most {_MOST_ATOMS} heavy atoms can be embedded, received {mol.GetNumAtoms()}. "
            "Give the structure as a file."
        )
    mol = Chem.AddHs(mol)
    conformers = embed(mol, 1, seed)
    molecule = from_rdkit(mol, conformers[0], name=name, source=source or f"SMILES {smiles}")
    return replace(molecule, remarks=stereo_remarks(mol, to_rdkit(molecule)))


def embed(mol: Chem.Mol, n_conformers: int, seed: int) -> np.ndarray:
    """Embed a molecule with explicit hydrogens by ETKDGv3.

    Args:
        mol: RDKit molecule with explicit hydrogens.
        n_conformers: Number of embeddings.
        seed: Seed of the embedding.

    Returns:
        Positions of at most `n_conformers` structures, Å, shape (n, N, 3).

    Raises:
        InputError: If no embedding is found.

    Source: Wang et al., J. Chem. Inf. Model. 60, 2044 (2020), doi:10.1021/acs.jcim.0c00025.
    """
    if mol.GetNumAtoms() > _MANY_ATOMS:
        logging.getLogger(__name__).warning(
            "Building a 3D structure of %d atoms, which takes %d s at most.",
            mol.GetNumAtoms(),
            _MOST_SECONDS * n_conformers,
        )
    mol = Chem.Mol(mol)
    try:  # in another thread, so that Ctrl-C works: RDKit does not listen to it
        positions = within_time(lambda: _embedded(mol, n_conformers, seed), _MOST_SECONDS * n_conformers)
    except TimeoutError:
        positions = []
    if len(positions):
        return np.stack(positions)
    raise InputError(
        f"No 3D structure of {mol.GetNumAtoms()} atoms ({Chem.MolToSmiles(mol)[:60]}) could be built in "
        f"{_MOST_SECONDS * n_conformers} s. Give one as a file."
    )


def _embedded(mol: Chem.Mol, n_conformers: int, seed: int) -> list[np.ndarray]:
    """Return the positions of structures that are embedded, Å; by random coordinates where the usual ones fail."""
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed + 1  # 0 would give identical conformers
    parameters.timeout = _EMBEDDING_SECONDS
    for parameters.useRandomCoords in (False, True):
        with BlockLogs():
            ids = [k for k in rdDistGeom.EmbedMultipleConfs(mol, n_conformers, parameters) if k >= 0]
        if ids:
            return [mol.GetConformer(k).GetPositions() for k in ids]
    return []


def from_rdkit(mol: Chem.Mol, positions: np.ndarray, name: str, source: str) -> Molecule:
    """Convert an RDKit molecule with explicit hydrogens.

    Args:
        mol: RDKit molecule.
        positions: Å, shape (N, 3).
        name: Name of the molecule.
        source: Origin of the molecule.
    """
    mol = Chem.Mol(mol)
    Chem.Kekulize(mol)
    bonds = [sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in mol.GetBonds()]
    order = sorted(range(len(bonds)), key=lambda k: bonds[k])
    orders = [mol.GetBondWithIdx(k).GetBondTypeAsDouble() for k in order]
    n_unpaired = sum(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
    return Molecule(
        name=name,
        atomic_numbers=np.array([a.GetAtomicNum() for a in mol.GetAtoms()]),
        positions=np.asarray(positions, dtype=float),
        bonds=np.array([bonds[k] for k in order], dtype=int).reshape(-1, 2),
        bond_orders=np.array(orders, dtype=float),
        formal_charges=np.array([a.GetFormalCharge() for a in mol.GetAtoms()]),
        total_charge=Chem.GetFormalCharge(mol),
        multiplicity=n_unpaired + 1,
        atom_names=tuple(f"{a.GetSymbol()}{a.GetIdx() + 1}" for a in mol.GetAtoms()),
        source=source,
        isotopes=isotopes_of(mol),
    )


def isotopes_of(mol: Chem.Mol) -> Int[np.ndarray, "N"] | None:
    """Return the mass number of each atom, 0 where none is stated; None if none is stated at all.

    Args:
        mol: RDKit molecule.

    Raises:
        InputError: If a mass number is that of no nucleus.
    """
    isotopes = np.array([atom.GetIsotope() for atom in mol.GetAtoms()], dtype=int)
    for atom in mol.GetAtoms():
        fewest, most = atom.GetAtomicNum(), 3 * atom.GetAtomicNum() + 4  # hydrogen 7 is the most extreme one known
        if atom.GetIsotope() and not fewest <= atom.GetIsotope() <= most:
            raise InputError(
                f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}): a mass number from {fewest} to {most} was expected, "
                f"received {atom.GetIsotope()}. Correct the isotope."
            )
    return isotopes if isotopes.any() else None


def to_rdkit(molecule: Molecule, positions: np.ndarray | None = None, strict: bool = True) -> Chem.Mol:
    """Convert to a sanitised RDKit molecule with one conformer, from which stereochemistry is perceived.

    Args:
        molecule: Molecule to convert.
        positions: Å; the positions of the molecule by default.
        strict: Whether unusual valences, as after a reaction, are refused; otherwise such a molecule is not sanitised.

    Raises:
        ValueError: If `strict` and a valence is unusual.
    """
    mol = Chem.RWMol()
    isotopes = np.zeros(molecule.n_atoms, int) if molecule.isotopes is None else molecule.isotopes
    for number, charge, isotope in zip(molecule.atomic_numbers, molecule.formal_charges, isotopes, strict=True):
        atom = Chem.Atom(int(number))
        atom.SetFormalCharge(int(charge))
        atom.SetIsotope(int(isotope))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for (i, j), order in zip(molecule.bonds, molecule.bond_orders, strict=True):
        mol.AddBond(int(i), int(j), BOND_TYPES[float(order)])
    conformer = Chem.Conformer(molecule.n_atoms)
    conformer.SetPositions(np.array(molecule.positions if positions is None else positions, dtype=float))
    mol.AddConformer(conformer)
    try:
        with BlockLogs():
            Chem.SanitizeMol(mol)
    except ValueError:  # RDKit's valence errors
        if strict:
            raise
        mol.UpdatePropertyCache(strict=False)
    else:
        Chem.AssignStereochemistryFrom3D(mol)
    return mol.GetMol()
