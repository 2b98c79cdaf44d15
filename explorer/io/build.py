"""Molecules from a SMILES string or a one-letter sequence, embedded in 3D with RDKit's ETKDGv3."""

import re
from typing import Literal

import numpy as np
from jaxtyping import Int
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from explorer.errors import InputError
from explorer.records.molecule import Molecule

Caps = Literal["ace-nme", "ace", "nme", "none"]

# SMILES of the side chain at the alpha carbon. Glycine and proline are handled in `_residue`.
SIDE_CHAINS = {
    "A": "C",
    "C": "CS",
    "D": "CC(=O)[O-]",
    "E": "CCC(=O)[O-]",
    "F": "Cc1ccccc1",
    "H": "Cc1c[nH]cn1",
    "I": "[C@@H](C)CC",
    "K": "CCCC[NH3+]",
    "L": "CC(C)C",
    "M": "CCSC",
    "N": "CC(=O)N",
    "Q": "CCC(=O)N",
    "R": "CCCNC(N)=[NH2+]",
    "S": "CO",
    "T": "[C@H](O)C",
    "V": "C(C)C",
    "W": "Cc1c[nH]c2ccccc12",
    "Y": "Cc1ccc(O)cc1",
    # other protonation states, by their names in the Amber force fields
    "ASH": "CC(=O)O",
    "GLH": "CCC(=O)O",
    "HID": "Cc1cnc[nH]1",
    "HIE": "Cc1c[nH]cn1",
    "HIP": "Cc1c[nH]c[nH+]1",
    "LYN": "CCCCN",
}
_RESIDUE_HINT = (
    "Use the letters GAVLIPFMWSTCYNQDEKRH, [ASH] [GLH] [HID] [HIE] [HIP] [LYN] or [CYX], "
    "or give the molecule as SMILES or a file."
)
_RESIDUE_PATTERN = re.compile(r"[A-Z]|\[[A-Z]{3}\]")


def peptide_smiles(sequence: str, caps: Caps = "ace-nme") -> str:
    """Return the SMILES of an L-peptide at neutral pH.

    Args:
        sequence: One-letter residues, N terminus first. Names in brackets are other protonation states: [ASH],
            [GLH], [HID], [HIE], [HIP], [LYN]. The number of [CYX] must be even; each consecutive pair of them forms a
            disulfide.
        caps: "ace-nme" caps the ends with acetyl and N-methyl amide. "none" leaves a zwitterion with free ends.
            "ace" and "nme" cap one end and leave the other charged.

    Raises:
        InputError: If the sequence is empty, contains an unknown residue or an odd number of [CYX].

    >>> peptide_smiles("AG")
    'CC(=O)N[C@@H](C)C(=O)NCC(=O)NC'
    """
    residues = _split(sequence)
    chain, bridge = "", 0
    for residue in residues:
        if residue == "CYX":
            chain += f"N[C@@H](CS%{90 + bridge // 2})C(=O)"  # ring closures 90, 90, 91, 91, ...
            bridge += 1
        else:
            chain += _residue(residue, sequence)
    if bridge % 2:
        raise InputError(
            f"An even number of [CYX] was expected, received {bridge} in {sequence!r}. Write C for a free thiol."
        )
    ammonium = "[NH2+]" if residues[0] == "P" else "[NH3+]"
    start = f"CC(=O){chain}" if caps.startswith("ace") else ammonium + chain[1:]
    return start + ("NC" if caps.endswith("nme") else "[O-]")


def peptide_name(sequence: str, caps: Caps = "ace-nme") -> str:
    """Return a name for a peptide that is valid as a file name.

    Args:
        sequence: Residues as in `peptide_smiles`.
        caps: Chain ends as in `peptide_smiles`.

    >>> peptide_name("A[HIP]G"), peptide_name("AG", "none")
    ('ac-a(hip)g-nhme', 'ag')
    """
    letters = sequence.strip().lower().replace("[", "(").replace("]", ")")
    return ("ac-" if caps.startswith("ace") else "") + letters + ("-nhme" if caps.endswith("nme") else "")


def _split(sequence: str) -> list[str]:
    text = sequence.strip().upper()
    if not text:
        raise InputError("A sequence of one-letter residues was expected, received an empty one. Try AAA.")
    rest = _RESIDUE_PATTERN.sub("", text)
    if rest:
        raise InputError(f"Residue {rest[0]!r} in sequence {sequence!r} is not known. {_RESIDUE_HINT}")
    return [residue.strip("[]") for residue in _RESIDUE_PATTERN.findall(text)]


def _residue(letter: str, sequence: str) -> str:
    if letter == "G":
        return "NCC(=O)"
    if letter == "P":
        return "N1CCC[C@H]1C(=O)"
    if letter not in SIDE_CHAINS:
        raise InputError(
            f"Residue {letter!r} in sequence {sequence!r} is not one of the twenty amino acids. {_RESIDUE_HINT}"
        )
    return f"N[C@@H]({SIDE_CHAINS[letter]})C(=O)"


def from_sequence(sequence: str, caps: Caps = "ace-nme", seed: int = 1) -> Molecule:
    """Build and embed a peptide from its sequence.

    Args:
        sequence: Residues as in `peptide_smiles`.
        caps: Chain ends as in `peptide_smiles`.
        seed: Seed of the embedding.

    Raises:
        InputError: For the reasons of `peptide_smiles` and `from_smiles`.
    """
    title = sequence.strip().upper()
    name = peptide_name(sequence, caps)
    return from_smiles(peptide_smiles(sequence, caps), name=name, source=f"sequence {title}", seed=seed)


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
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise InputError(f"SMILES {smiles!r} could not be read. Check brackets, ring closures and valences.")
    if len(Chem.GetMolFrags(mol)) != 1:
        raise InputError(
            f"One molecule was expected, received several in SMILES {smiles!r}. Remove the part after the dot."
        )
    mol = Chem.AddHs(mol)
    conformers = embed(mol, 1, seed)
    return from_rdkit(mol, conformers[0], name=name, source=source or f"SMILES {smiles}")


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
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed + 1  # 0 would give identical conformers
    mol = Chem.Mol(mol)
    ids = list(rdDistGeom.EmbedMultipleConfs(mol, n_conformers, parameters))
    if not ids:
        parameters.useRandomCoords = True
        ids = list(rdDistGeom.EmbedMultipleConfs(mol, n_conformers, parameters))
    if not ids:
        raise InputError(f"No 3D structure of {Chem.MolToSmiles(mol)} could be built. Give one as a file.")
    return np.stack([mol.GetConformer(i).GetPositions() for i in ids])


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
    """
    isotopes = np.array([atom.GetIsotope() for atom in mol.GetAtoms()], dtype=int)
    return isotopes if isotopes.any() else None


def to_rdkit(molecule: Molecule, positions: np.ndarray | None = None) -> Chem.Mol:
    """Convert to a sanitised RDKit molecule with one conformer, from which stereochemistry is perceived.

    Args:
        molecule: Molecule to convert.
        positions: Å; the positions of the molecule by default.
    """
    mol = Chem.RWMol()
    isotopes = np.zeros(molecule.n_atoms, int) if molecule.isotopes is None else molecule.isotopes
    for number, charge, isotope in zip(molecule.atomic_numbers, molecule.formal_charges, isotopes, strict=True):
        atom = Chem.Atom(int(number))
        atom.SetFormalCharge(int(charge))
        atom.SetIsotope(int(isotope))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    types = {1.0: Chem.BondType.SINGLE, 2.0: Chem.BondType.DOUBLE, 3.0: Chem.BondType.TRIPLE}
    for (i, j), order in zip(molecule.bonds, molecule.bond_orders, strict=True):
        mol.AddBond(int(i), int(j), types[float(order)])
    conformer = Chem.Conformer(molecule.n_atoms)
    conformer.SetPositions(np.array(molecule.positions if positions is None else positions, dtype=float))
    mol.AddConformer(conformer)
    Chem.SanitizeMol(mol)
    Chem.AssignStereochemistryFrom3D(mol)
    return mol.GetMol()
