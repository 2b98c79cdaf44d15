"""Reader of CIF files with gemmi: macromolecules (mmCIF) and small molecules in a crystal."""

from dataclasses import replace

import gemmi
import numpy as np

from explorer.errors import InputError
from explorer.io.cell import without_cell
from explorer.io.structure import Frame, Structure, element


def parse_cif(text: str, name: str) -> list[Frame]:
    """Read the structure of each model of each block; symmetry copies are not made.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.

    Raises:
        InputError: If the file is not CIF.
    """
    try:
        blocks = list(gemmi.cif.read_string(text))
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"{name} is not CIF: {str(error).splitlines()[0][:200]}. Convert it to another format."
        ) from None
    frames: list[Frame] = []
    for block in blocks:
        for read in (_models, _small_molecule):
            try:
                found = read(block, name, len(frames))
            except InputError as error:
                found = [error]
            except (ValueError, RuntimeError, IndexError) as error:
                found = [InputError(f"{name}, block {block.name}: {str(error)[:200]}. Correct the file.")]
            if found:
                frames += found
                break
    return frames


def _models(block: gemmi.cif.Block, name: str, n_before: int) -> list[Frame]:
    structure = gemmi.make_structure_from_block(block)
    frames: list[Frame] = []
    for model in structure:
        numbers, positions, names, charges, altlocs = [], [], [], [], set()
        for chain in model:
            for residue in chain:
                for atom in residue:
                    label = f"{residue.name}{residue.seqid}:{atom.name}"
                    numbers.append(element(atom.element.name, f"{name}, {label}"))
                    positions.append(atom.pos.tolist())
                    names.append(label)
                    charges.append(atom.charge)
                    altlocs |= {atom.altloc} - {"\0"}
        if len(altlocs) > 1:
            frames.append(
                InputError(
                    f"{name}: one location of each atom was expected, received alternate locations "
                    f"{' '.join(sorted(altlocs))}. Keep one of them."
                )
            )
        elif numbers:
            frame = _structure(numbers, positions, names, name, n_before + len(frames))
            frames.append(replace(frame, sum_of_formal_charges=sum(charges)) if any(charges) else frame)
    cell = np.array(structure.cell.orth.mat.tolist()).T if structure.cell.is_crystal() else None
    return [frame if isinstance(frame, InputError) else without_cell(frame, cell) for frame in frames]


def _small_molecule(block: gemmi.cif.Block, name: str, n_before: int) -> list[Frame]:
    crystal = gemmi.make_small_structure_from_block(block)
    if not len(crystal.sites):
        return []
    if any(0 < site.occ < 1 for site in crystal.sites):
        raise InputError(
            f"{name}: fully occupied sites were expected, received disorder. Keep one position of each atom."
        )
    numbers = [element(site.element.name, f"{name}, {site.label}") for site in crystal.sites]
    positions = [crystal.cell.orthogonalize(site.fract).tolist() for site in crystal.sites]
    structure = _structure(numbers, positions, [site.label for site in crystal.sites], name, n_before)
    if not crystal.cell.is_crystal():
        return [structure]
    whole = without_cell(structure, np.array(crystal.cell.orth.mat.tolist()).T)
    return [whole]


def _structure(numbers: list, positions: list, names: list[str], name: str, n_before: int) -> Structure:
    array = np.array(positions, dtype=float)
    if not (np.abs(array) < 1e6).all():
        raise InputError(f"{name}: finite coordinates in Å were expected. Correct the file.")
    isotopes = np.array([one.isotope for one in numbers])
    return Structure(
        title=f"{name}, model {n_before + 1}" if n_before else name,
        atomic_numbers=np.array([one.number for one in numbers]),
        positions=array,
        atom_names=tuple(names),
        lines=tuple(range(1, len(names) + 1)),
        isotopes=isotopes if isotopes.any() else None,
    )
