"""Reader of training data in the formats of the field; every command that takes labelled frames uses it."""

from pathlib import Path

import numpy as np
from ase import Atoms

from explorer.dataset.ase_files import read_db, read_traj
from explorer.dataset.check_labels import check_units, checked_forces, label_notes
from explorer.dataset.dataset import is_own_dataset, load_dataset
from explorer.dataset.frame_source import FrameSource
from explorer.dataset.group_frames import group_frames
from explorer.dataset.hdf5_layouts import read_hdf5
from explorer.dataset.label_units import LabelUnits, likely_units
from explorer.dataset.labelled_xyz import read_xyz
from explorer.dataset.npz_layouts import read_npz
from explorer.dataset.training_molecule import TrainingMolecule, in_ev_and_angstrom
from explorer.errors import InputError

_SUFFIXES = (".npz", ".xyz", ".extxyz", ".traj", ".db", ".hdf5", ".h5")


class TrainingData(dict[str, TrainingMolecule]):
    """Molecules of a file by name, with positions in Å, energies in eV and forces in eV/Å.

    Attributes:
        layout: Name of the layout of the file.
        notes: What was chosen, assumed or left out, in sentences.
    """

    def __init__(self, molecules: dict[str, TrainingMolecule], layout: str, notes: tuple[str, ...]):
        super().__init__(molecules)
        self.layout = layout
        self.notes = notes

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(len(molecule.energy) for molecule in self.values())


def read_training_data(
    path: str | Path,
    units: str | None = None,
    energy_key: str | None = None,
    forces_key: str | None = None,
) -> TrainingData:
    """Read labelled frames.

    Extended XYZ, npz of sGDML, MD17, MD22, revised MD17, mlff, PhysNet and `pes-explore label`, ASE `.traj` and `.db`,
    SchNetPack `.db`, and HDF5 of SPICE and ANI-1x are read. Frames keep the atom order of the file, and frames with the
    same atoms in the same order, charge and multiplicity are one molecule. Positions that occur twice are kept once.

    Args:
        path: File.
        units: Unit of the energies, such as `kcal/mol`, with the unit of length after a comma if it is not Å
            (`hartree,bohr`). Needed where neither the file nor its format tells.
        energy_key: Name of the energies in an extended XYZ or HDF5 file with several.
        forces_key: Name of the forces.

    Returns:
        Molecules by name.

    Raises:
        InputError: If the file cannot be read, its units are unknown, or its energies cannot have these units.
    """
    path = Path(path).expanduser()
    if path.suffix == ".npz" and is_own_dataset(path):
        if units is not None:
            raise InputError(f"{path} was written by pes-explore label and is in eV and Å. Leave units out.")
        return _own(path)
    source = _open(path, energy_key, forces_key)
    given = None if units is None else LabelUnits.parse(units)
    if given and source.stated and source.stated.in_ev != given.in_ev:
        raise InputError(f"{path} states its units ({source.stated}), received {given}. Leave units out.")
    molecules = group_frames(source.blocks, source.notes)
    if not molecules:
        raise InputError(f"{path} has no frames that can be read. {' '.join(source.notes)}".rstrip())
    chosen = source.stated or given or source.usual
    if chosen is None:
        raise InputError(
            f"{path} ({source.layout}) does not tell its unit of energy. {likely_units(checked_forces(molecules))} "
            "Say --units kcal/mol, eV or hartree."
        )
    check_units(path, molecules, chosen, stated=bool(source.stated or given))
    converted = {name: in_ev_and_angstrom(data, chosen) for name, data in molecules.items()}
    notes = [*source.notes, *label_notes(converted, chosen, bool(source.stated or given))]
    return TrainingData(converted, source.layout, tuple(notes))


def structures_of(path: Path) -> list[Atoms]:
    """Read the structures of training data, with charge and multiplicity, in the order of the file.

    Labels are not read, so that their units do not matter.

    Args:
        path: File of a format of `read_training_data`.

    Raises:
        InputError: If the file cannot be read.
    """
    if path.suffix == ".npz" and is_own_dataset(path):
        molecules, length = _own(path), 1.0
    else:
        source = _open(path, None, None)
        molecules, length = group_frames(source.blocks, []), (source.stated or LabelUnits()).in_angstrom
    structures = {}
    for data in molecules.values():
        info = {"charge": int(data.total_charge), "multiplicity": data.multiplicity}
        for frame, positions in zip(data.frame.tolist(), data.positions * length, strict=True):
            structures[frame] = Atoms(data.atomic_numbers, positions=positions, info=dict(info))
    return [structures[frame] for frame in sorted(structures)]


def _open(path: Path, energy_key: str | None, forces_key: str | None) -> FrameSource:
    if not path.is_file():
        raise InputError(f"No training data at {path}. Make some with pes-explore label.")
    match path.suffix.lower():
        case ".npz":
            return read_npz(path)
        case ".xyz" | ".extxyz":
            return read_xyz(path, energy_key, forces_key)
        case ".traj":
            return read_traj(path)
        case ".db":
            return read_db(path)
        case ".hdf5" | ".h5":
            return read_hdf5(path, energy_key, forces_key)
    raise InputError(f"Training data were wanted as {', '.join(_SUFFIXES)}, received {path.name}.")


def _own(path: Path) -> TrainingData:
    molecules, first = {}, 0
    for name, data in load_dataset(path, with_forces=False).items():
        arrays = {key: getattr(data, key) for key in data.__dataclass_fields__}
        molecules[name] = TrainingMolecule(**arrays, frame=np.arange(first, first + len(data.energy)))
        first += len(data.energy)
    return TrainingData(molecules, "npz of pes-explore label", ())
