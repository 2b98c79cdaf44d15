"""Input molecule from a file, a SMILES string or a sequence."""

from dataclasses import replace

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles
from explorer.io.check import check_electrons
from explorer.io.read import read_molecule
from explorer.io.sequence import Caps
from explorer.records.molecule import Molecule


def load_molecule(
    input: str | None = None,
    smiles: str | None = None,
    sequence: str | None = None,
    caps: Caps = "ace-nme",
    charge: int | None = None,
    multiplicity: int | None = None,
    frame: int | None = None,
) -> Molecule:
    """Load the molecule to explore from exactly one of three sources.

    Args:
        input: Path of a file with coordinates, which are used unchanged.
        smiles: SMILES string; the structure is embedded.
        sequence: One-letter residues; the structure is embedded.
        caps: Ends of a peptide given by its sequence.
        charge: Total charge, e, if it cannot be derived.
        multiplicity: 2 S + 1, if it is not 1.
        frame: Number of the structure in a file with several, from 1.

    Raises:
        InputError: If no source or several sources are given, or if the source is invalid.
    """
    given = [
        name for name, value in (("INPUT", input), ("--smiles", smiles), ("--sequence", sequence)) if value is not None
    ]
    if len(given) != 1:
        raise InputError(
            f"One molecule was expected, as INPUT file, --smiles or --sequence; received "
            f"{' and '.join(given) if given else 'none'}. Pass exactly one."
        )
    if input is not None:
        return read_molecule(input, charge, multiplicity, frame)
    if frame is not None:
        raise InputError("--frame chooses a structure of an INPUT file, but received --smiles or --sequence. Omit it.")
    molecule = from_smiles(smiles) if smiles is not None else from_sequence(str(sequence), caps)
    if charge not in (None, molecule.total_charge):
        raise InputError(
            f"{molecule.source} has charge {molecule.total_charge}, but received --charge {charge}. "
            "Omit --charge, or write the charges into the SMILES."
        )
    multiplicity = multiplicity or molecule.multiplicity
    check_electrons(molecule.source, molecule.atomic_numbers, molecule.total_charge, multiplicity)
    return replace(molecule, multiplicity=multiplicity)
