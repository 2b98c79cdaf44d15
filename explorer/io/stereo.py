"""Remarks about stereochemistry that a SMILES leaves open."""

from rdkit import Chem

_GROUPS = {
    Chem.StereoGroupType.STEREO_AND: "a mixture of stereoisomers (&)",
    Chem.StereoGroupType.STEREO_OR: "one of several stereoisomers (or)",
}


def stereo_remarks(given: Chem.Mol, built: Chem.Mol) -> tuple[str, ...]:
    """Say which stereoisomer was built where a SMILES leaves it open.

    Args:
        given: Molecule of the SMILES, with hydrogens.
        built: The same atoms with coordinates and the stereochemistry that these have.
    """
    centres = dict(Chem.FindMolChiralCenters(built, includeUnassigned=True, useLegacyImplementation=False))
    remarks = []
    for element in Chem.FindPotentialStereo(Chem.Mol(given)):
        if element.specified != Chem.StereoSpecified.Unspecified:
            continue
        if element.type == Chem.StereoType.Atom_Tetrahedral:
            atom, label = given.GetAtomWithIdx(element.centeredOn), centres.get(element.centeredOn, "?")
            symbol = f"{atom.GetSymbol()}{element.centeredOn + 1}"
            remarks.append(
                f"The SMILES leaves the stereocentre {symbol} open; {label} was taken. Write @ or @@ to choose."
            )
        elif element.type == Chem.StereoType.Bond_Double:
            begin, end = (
                f(given.GetBondWithIdx(element.centeredOn)) for f in (Chem.Bond.GetBeginAtom, Chem.Bond.GetEndAtom)
            )
            bond = built.GetBondBetweenAtoms(begin.GetIdx(), end.GetIdx())
            if bond.GetStereo() == Chem.BondStereo.STEREONONE:  # of an allene or a carbodiimide
                continue
            name = f"{begin.GetSymbol()}{begin.GetIdx() + 1}={end.GetSymbol()}{end.GetIdx() + 1}"
            label = str(bond.GetStereo()).removeprefix("STEREO").replace("TRANS", "E").replace("CIS", "Z")
            remarks.append(
                f"The SMILES leaves the double bond {name} open; {label} was taken. Write / and \\ to choose."
            )
    for group in given.GetStereoGroups():
        if group.GetGroupType() in _GROUPS:
            atoms = ", ".join(
                f"{a.GetSymbol()}{a.GetIdx() + 1} {centres.get(a.GetIdx(), '?')}" for a in group.GetAtoms()
            )
            remarks.append(f"The SMILES means {_GROUPS[group.GetGroupType()]}; one was taken: {atoms}.")
    return tuple(remarks)
