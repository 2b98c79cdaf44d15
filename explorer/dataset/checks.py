"""Checks of the arrays of training data, before anything is computed with them."""

from collections.abc import Mapping

import numpy as np

from explorer.errors import InputError

SPLITS = ("train", "validation", "test")
_FARTHEST = 1e6  # Å, eV and eV/Å; values of molecules are far smaller, in any unit of the field; not tuned


def check_arrays(arrays: Mapping[str, np.ndarray], name: str, file: str) -> None:
    """Check kinds, shapes and values of the arrays of one molecule of a dataset.

    Args:
        arrays: Arrays by the field names of `MoleculeData`; those of a file without forces lack `forces`.
        name: Name of the molecule.
        file: Name of the file, for the error message.

    Raises:
        InputError: For the first array that is not as described there.
    """

    def require(condition: bool, field: str, wanted: str) -> None:
        if not condition:
            shape = np.shape(arrays[field])
            raise InputError(
                f"{file}: {field} of {name} must be {wanted}, received {arrays[field].dtype} of shape {shape}. "
                "Give a file that pes-explore label has written."
            )

    numbers, positions = arrays["atomic_numbers"], arrays["positions"]
    require(numbers.ndim == 1 and _are_integers(numbers) and len(numbers) > 0, "atomic_numbers", "whole numbers (N,)")
    require(bool((numbers >= 1).all() and (numbers <= 118).all()), "atomic_numbers", "between 1 and 118")
    n_atoms, n_frames = len(numbers), len(positions) if positions.ndim else 0
    bonds, charge = arrays["bonds"], arrays["total_charge"]
    require(bonds.ndim == 2 and bonds.shape[1] == 2 and _are_integers(bonds), "bonds", "pairs of indices (n_bonds, 2)")
    in_range = bool((bonds >= 0).all() and (bonds < n_atoms).all() and (bonds[:, 0] != bonds[:, 1]).all())
    require(in_range, "bonds", f"pairs of different atoms from 0 to {n_atoms - 1}")
    require(charge.ndim == 0 and _are_integers(charge), "total_charge", "one whole number")
    require(bool(np.abs(charge.astype(float)) <= numbers.sum()), "total_charge", "a charge that the electrons allow")
    require(n_frames > 0, "positions", f"at least one frame (F, {n_atoms}, 3)")
    shapes = {"positions": (n_frames, n_atoms, 3), "energy": (n_frames,), "forces": (n_frames, n_atoms, 3)}
    for field, shape in shapes.items():
        if field not in arrays:
            continue
        array = arrays[field]
        require(array.shape == shape and array.dtype.kind in "fiu", field, f"numbers of shape {shape}")
        finite = bool((np.abs(array.astype(float)) < (np.inf if field == "energy" else _FARTHEST)).all())
        require(finite, field, "finite everywhere" if field == "energy" else f"below {_FARTHEST:g} everywhere")
    for field in ("conformer", "stage", "split"):
        require(arrays[field].shape == (n_frames,) and arrays[field].dtype.kind == "U", field, f"{n_frames} texts")
    require(bool(np.isin(arrays["split"], SPLITS).all()), "split", " or ".join(SPLITS))


def _are_integers(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu"
