"""Names of amino acids in structure files: of the PDB, of force fields, and of D residues."""

import gemmi

# Other protonation states and caps, by their names in Amber, CHARMM and OPLS.
_OF_FORCE_FIELDS = frozenset(
    """
    ASH ASPP ASPH CYX CYM CYS2 GLH GLUP GLUH HID HIE HIP HSD HSE HSP HISD HISE HISH LYN LSN LYSN ARGN TYM
    ACE NME NMA NHE NH2 FOR CT3 CT2
    """.split()  # noqa: SIM905, a list of strings would take thirty lines
)


def is_amino_acid(name: str) -> bool:
    """Return whether a residue is an amino acid or a cap of a peptide, by its name in any common force field.

    Args:
        name: Name of the residue.

    >>> [is_amino_acid(name) for name in ("ALA", "DVA", "NVAL", "HSD", "NME", "HOH", "LIG")]
    [True, True, True, True, True, False, False]
    """
    return name.upper() in _OF_FORCE_FIELDS or _tabulated(name).is_amino_acid()


def chirality_of(name: str) -> str:
    """Return "L" or "D" for the name of a chiral amino acid, otherwise "".

    Args:
        name: Name of the residue.

    >>> [chirality_of(name) for name in ("ALA", "DVA", "HIE", "GLY", "NME", "LIG")]
    ['L', 'D', 'L', '', '', '']
    """
    residue = _tabulated(name)
    if residue.kind == gemmi.ResidueKind.AAD:
        return "D"
    of_force_field = name.upper() in _OF_FORCE_FIELDS and name.upper()[:3] not in ("ACE", "NME", "NMA", "NHE", "NH2")
    is_achiral = residue.one_letter_code.upper() == "G" or name.upper() in ("AIB", "SAR", "FOR", "CT2", "CT3")
    return "L" if (residue.is_amino_acid() or of_force_field) and not is_achiral else ""


def _tabulated(name: str) -> gemmi.ResidueInfo:
    """Return the entry of the PDB's dictionary; N and C before a name mark the ends of a chain in Amber."""
    name = name.upper()
    shorter = name[1:] if len(name) == 4 and name[0] in "NC" else name
    return gemmi.find_tabulated_residue(shorter)
