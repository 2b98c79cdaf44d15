"""Labelled frames of HDF5 files in the layouts of SPICE and of ANI-1x."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.rdBase import BlockLogs

from explorer.dataset.frame_source import FrameBlock, FrameSource, block_of
from explorer.dataset.label_units import LabelUnits
from explorer.errors import InputError
from explorer.wording import in_one_line

_SPICE_ENERGY, _SPICE_GRADIENT = "dft_total_energy", "dft_total_gradient"


def read_hdf5(path: Path, energy_key: str | None = None, forces_key: str | None = None) -> FrameSource:
    """Open an HDF5 file with one group per molecule.

    Args:
        path: File.
        energy_key: Name of the energies in a group, such as `wb97x_dz.energy`.
        forces_key: Name of the forces.

    Raises:
        InputError: If the file is damaged or has another layout.
    """
    with _damage_told(path), _open(path) as file:
        group = next((file[name] for name in file if isinstance(file[name], Mapping)), None)
        if group is None:
            raise InputError(f"{path} has no groups; one group per molecule was wanted, as in SPICE or ANI-1x.")
        if "conformations" in group:
            energy = energy_key or _SPICE_ENERGY
            stated = _spice_units(group, energy, path)
            blocks = _groups(path, "conformations", energy, _SPICE_GRADIENT, -1.0)
            notes = ["Gradients were stored; forces are minus them."] if _SPICE_GRADIENT in group else []
            return FrameSource(layout="HDF5 of SPICE", blocks=blocks, stated=stated, notes=notes)
        if "coordinates" in group:
            energy = energy_key or _only([name for name in group if name.endswith("energy")], path)
            forces = forces_key or f"{energy.removesuffix('energy')}forces"
            blocks = _groups(path, "coordinates", energy, forces, 1.0)
            return FrameSource(layout="HDF5 of ANI-1x", blocks=blocks, notes=[f"Labels are {energy} and {forces}."])
    raise InputError(f"{path} has groups with neither conformations (SPICE) nor coordinates (ANI-1x).")


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # h5py raises errors of many kinds
        raise InputError(f"{path} is no readable HDF5 file ({in_one_line(error)}).") from None


def _open(path: Path) -> Any:
    import h5py  # takes 50 ms, which only these files need

    return h5py.File(path, "r")


def _only(names: list[str], path: Path) -> str:
    if len(names) != 1:
        raise InputError(
            f"{path} has {'several energies: ' + ', '.join(names) if names else 'no energies'}. Say --energy-key."
        )
    return names[0]


def _spice_units(group: Any, energy_key: str, path: Path) -> LabelUnits:
    """Units by the attributes of the arrays, which must belong together."""
    if energy_key not in group:
        raise InputError(f"{path} has no {energy_key}; it has {', '.join(group)}. Say --energy-key.")
    energy, length, gradient = (
        _text(group[name].attrs.get("units", b"")).lower() if name in group else ""
        for name in (energy_key, "conformations", _SPICE_GRADIENT)
    )
    units = LabelUnits.parse(f"{energy},{length}")
    if gradient and gradient.replace(" ", "") != f"{energy}/{length}".replace(" ", ""):
        raise InputError(f"{path}: the unit {gradient} of gradients does not belong to {energy} and {length}.")
    return units


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _groups(path: Path, positions: str, energy: str, forces: str, sign: float) -> Iterator[FrameBlock]:
    with _damage_told(path), _open(path) as file:
        for name in sorted(file):
            group = file[name]
            if positions not in group or "atomic_numbers" not in group:
                raise InputError(f"{path}: group {name} has no {positions} or no atomic_numbers.")
            labels = group[energy][()] if energy in group else None
            gradients = sign * group[forces][()].astype(float) if forces in group else None
            yield block_of(
                group["atomic_numbers"][()],
                group[positions][()],
                labels,
                gradients,
                total_charge=_charge(group),
                name=name,
            )


def _charge(group: Any) -> int | None:
    """Total charge by the SMILES string of a molecule."""
    if "smiles" not in group:
        return None
    text = np.asarray(group["smiles"][()]).reshape(-1)[0]
    with BlockLogs():
        molecule = Chem.MolFromSmiles(_text(text), sanitize=False)
    return None if molecule is None else Chem.GetFormalCharge(molecule)
