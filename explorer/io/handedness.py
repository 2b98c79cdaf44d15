"""Residues of PDB files whose name and geometry disagree: D under the name of an L residue, or the reverse."""

import re
from collections import defaultdict

import numpy as np
from rdkit import Chem

from explorer.io.build import to_rdkit
from explorer.io.residue_names import chirality_of
from explorer.records.molecule import Molecule

_PLANAR = 0.1  # normalised triple product below which an alpha carbon has no handedness; not tuned


def handedness_remarks(molecule: Molecule) -> tuple[str, ...]:
    """Name the residues that are D under the name of an L residue, or L under that of a D residue.

    Residues are those of labels such as `ALA2:CA`. The sense of N, C' and CB around CA is that of L-alanine for L
    residues (the CORN rule).

    Args:
        molecule: Molecule with the labels of a PDB file; others have no residues.
    """
    atoms: dict[str, dict[str, int]] = defaultdict(dict)
    for k, label in enumerate(molecule.atom_names):
        residue, separator, name = label.partition(":")
        if separator:
            atoms[residue].setdefault(name, k)
    remarks = []
    for residue, index in atoms.items():
        match = re.match(r"\w{1,4}?(?=-?[0-9]+[A-Za-z]?$)", residue)
        expected = chirality_of(match[0] if match else "")
        if not expected or not {"N", "CA", "C", "CB"} <= index.keys():
            continue
        arms = molecule.positions[[index[name] for name in ("N", "C", "CB")]] - molecule.positions[index["CA"]]
        volume = np.linalg.det(arms / np.linalg.norm(arms, axis=1, keepdims=True))
        found = "L" if volume > 0 else "D"
        if abs(volume) > _PLANAR and found != expected:
            label, kind = _label(molecule, index["CA"]), "an L" if expected == "L" else "a D"
            remarks.append(f"{residue} is {found} ({label} at CA), but its name is that of {kind} residue.")
    return tuple(remarks)


def _label(molecule: Molecule, atom: int) -> str:
    centres = Chem.FindMolChiralCenters(to_rdkit(molecule), includeUnassigned=True, useLegacyImplementation=False)
    return dict(centres).get(atom, "?")
