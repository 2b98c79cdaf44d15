"""Checks of the values that a run holds: types, shapes and ranges, whichever program wrote them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from explorer.config_file import stored_settings
from explorer.errors import ConfigError, StoreError
from explorer.records.molecule import Molecule
from explorer.records.run import Costs, RunRecord

_FARTHEST = 1e6  # Å; molecules are far smaller; not tuned
_SCALARS = (int, float, str, bool, NoneType)


@contextmanager
def clear_value_errors(path: Path) -> Iterator[None]:
    """Convert errors about values of a run into a `StoreError`.

    Args:
        path: File of the run, for the message.

    Raises:
        StoreError: If a value is none that a run can have.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        texts = {KeyError: f"there is no {error}", IndexError: "a hop or saddle names a minimum that is not stored"}
        text = texts.get(type(error), str(error))
        raise StoreError(
            f"{path} holds what no run has: {text}. Restore it from a backup, or start a new run."
        ) from error


def check_record(record: RunRecord) -> None:
    """Check all values of a run.

    Args:
        record: The run as it was read.

    Raises:
        ValueError: For the first value that cannot be; the message names it.
    """
    try:
        stored_settings(record.config)
    except ConfigError as error:
        raise ValueError(f"settings ({error})") from None
    _require(all(isinstance(text, str) for text in record.provenance.values()), "provenance", "texts")
    _check_molecule(record.molecule)
    n_atoms, n_minima = record.molecule.n_atoms, len(record.minima)
    _check_costs(record.rounds, n_minima)
    for k, minimum in enumerate(record.minima):
        name = f"minimum {minimum.id}"
        _check_types(minimum, name)
        _require(minimum.id == k, f"minimum {k}", f"that id, received {minimum.id}")
        _require(np.isfinite(minimum.energy), f"energy of {name}", f"finite, received {minimum.energy}")
        _check_positions(minimum.positions, n_atoms, name)
        _require(0 <= minimum.round < max(len(record.rounds), 1), f"round of {name}", "a round of the run")
        _require(minimum.n_evaluations >= 0, f"n_evaluations of {name}", "0 or more")
    for k, hop in enumerate(record.hops):
        name = f"hop {k}"
        _check_types(hop, name)
        _require(-1 <= hop.start < n_minima, f"start of {name}", f"-1 or a minimum, received {hop.start}")
        _check_id(hop.end, n_minima, f"end of {name}", optional=True)
        _require(0 <= hop.round < max(len(record.rounds), 1), f"round of {name}", "a round of the run")
        _require(min(hop.n_evaluations, hop.index) >= 0, f"counts of {name}", "0 or more")
    _check_results(record, n_atoms, n_minima)


def _check_results(record: RunRecord, n_atoms: int, n_minima: int) -> None:
    """Check what was computed from the minima later."""
    comparison, validation = record.comparison, record.validation
    if comparison is not None:
        _check_types(comparison, "comparison")
        for one in comparison.training_minima:
            _check_types(one, f"training minimum {one.id}")
            _check_positions(one.positions, n_atoms, f"training minimum {one.id}")
            _check_id(one.found, n_minima, f"found of training minimum {one.id}", optional=True)
        _check_shape(comparison.nearest_frame_distance, (None,), "nearest_frame_distance")
        _require(len(comparison.nearest_frame_distance) <= n_minima, "nearest_frame_distance", f"of {n_minima} minima")
        _check_shape(comparison.frames_torsions, (None, None, 2), "frames_torsions")
    if validation is not None:
        _check_types(validation, "validation")
        for name in ("ids", "rmsd", "stayed", "energy", "reference_energy"):
            _check_shape(getattr(validation, name), (len(validation.ids),), f"{name} of the validation")
        for id in validation.ids.tolist():
            _check_id(id, n_minima, "id of the validation")
    for certificate in record.certificates:
        _check_types(certificate, f"certificate of minimum {certificate.minimum}")
        _check_id(certificate.minimum, n_minima, "minimum of a certificate")
        _check_shape(certificate.wavenumbers, (None,), "wavenumbers of a certificate")
    for saddle in record.saddles:
        name = f"saddle {saddle.minimum}"
        _check_types(saddle, name)
        _check_id(saddle.minimum, n_minima, name)
        _check_positions(saddle.positions, n_atoms, name)
        _check_shape(saddle.direction, (n_atoms, 3), f"direction of {name}")
        for end in saddle.ends:
            _check_types(end, f"end of {name}")
            _check_positions(end.positions, n_atoms, f"end of {name}")
            _check_id(end.minimum, n_minima, f"end of {name}", optional=True)
    for k, state in enumerate(record.transition_states):
        name = f"transition state {k}"
        _check_types(state, name)
        _require(state.id == k, name, f"that id, received {state.id}")
        _check_positions(state.positions, n_atoms, name)
        _check_shape(state.direction, (n_atoms, 3), f"direction of {name}")
        _check_shape(state.wavenumbers, (None,), f"wavenumbers of {name}")
        for end in state.ends:
            _check_id(end.minimum, n_minima, f"end of {name}")
    for k, attempt in enumerate(record.saddle_attempts):
        _check_types(attempt, f"attempt {k}")
        _check_id(attempt.start, n_minima, f"start of attempt {k}")
        _check_id(attempt.end, n_minima, f"end of attempt {k}", optional=True)
        _check_id(attempt.saddle, len(record.transition_states), f"saddle of attempt {k}", optional=True)
    for one in record.saddle_validations:
        _check_types(one, f"validation of transition state {one.saddle}")
        _check_id(one.saddle, len(record.transition_states), "transition state of a validation")
    for trajectory in record.trajectories:
        _check_types(trajectory, "trajectory")
        _check_id(trajectory.minimum, n_minima, "minimum of a trajectory")
    if record.properties is not None:
        for field in fields(record.properties):
            array = getattr(record.properties, field.name)
            _require(array.dtype.kind == "f" and len(array) <= n_minima, f"{field.name} of the minima", "numbers")


def _check_molecule(molecule: Molecule) -> None:
    _check_types(molecule, "molecule")
    numbers, n = molecule.atomic_numbers, len(molecule.atomic_numbers)
    _check_shape(numbers, (n,), "atomic_numbers", kind="iu")
    _require(n > 0 and numbers.min() >= 1 and numbers.max() <= 118, "atomic_numbers", "between 1 and 118")
    _check_positions(molecule.positions, n, "molecule")
    bonds = molecule.bonds
    _check_shape(bonds, (None, 2), "bonds", kind="iu")
    _require(bonds.size == 0 or (bonds.min() >= 0 and bonds.max() < n), "bonds", f"indices below {n}")
    _require(bool((bonds[:, 0] != bonds[:, 1]).all()), "bonds", "pairs of different atoms")
    _check_shape(molecule.bond_orders, (len(bonds),), "bond_orders")
    _require(set(molecule.bond_orders.tolist()) <= {1.0, 1.5, 2.0, 3.0}, "bond_orders", "1, 1.5, 2 or 3")
    _check_shape(molecule.formal_charges, (n,), "formal_charges", kind="iu")
    if molecule.isotopes is not None:
        _check_shape(molecule.isotopes, (n,), "isotopes", kind="iu")
        _require(molecule.isotopes.min() >= 0 and molecule.isotopes.max() < 400, "isotopes", "mass numbers")
    _require(len(molecule.atom_names) in (0, n), "atom_names", f"{n} names")
    _require(abs(molecule.total_charge) <= numbers.sum(), "total_charge", "a charge that the electrons allow")
    _require(1 <= molecule.multiplicity <= numbers.sum() + 1, "multiplicity", "possible for the electrons")


def _check_costs(rounds: Sequence[Costs], n_minima: int) -> None:
    for k, costs in enumerate(rounds):
        _check_types(costs, f"round {k}")
        _require(min(costs.n_evaluations, costs.n_minima, costs.n_idle) >= 0, f"counts of round {k}", "0 or more")
        _require(costs.n_minima <= n_minima, f"n_minima of round {k}", f"at most {n_minima}, received {costs.n_minima}")
        _require(not costs.wall_seconds < 0 and not costs.potential_seconds < 0, f"times of round {k}", "0 or more")


def _check_positions(positions: np.ndarray, n_atoms: int, name: str) -> None:
    _check_shape(positions, (n_atoms, 3), f"positions of {name}")
    _require(bool((np.abs(positions) < _FARTHEST).all()), f"positions of {name}", f"below {_FARTHEST:g} Å everywhere")


def _check_shape(array: np.ndarray, shape: tuple[int | None, ...], name: str, kind: str = "fiub") -> None:
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    _require(fits and array.dtype.kind in kind, name, f"numbers of shape {shape}, received {array.dtype}{array.shape}")


def _check_id(id: int | None, n_minima: int, name: str, optional: bool = False) -> None:
    is_none = optional and id is None
    _require(is_none or (id is not None and 0 <= id < n_minima), name, f"one of {n_minima} ids, received {id}")


def _check_types(record: Any, name: str) -> None:
    """Check plain values, enumerations and tuples of a record against its annotations; arrays are checked elsewhere."""
    kind = type(record)
    names = [field.name for field in fields(record)] if is_dataclass(record) else kind._fields
    types = _annotations(kind)
    for field in names:
        value = getattr(record, field)
        if not _fits(value, types[field]):
            raise ValueError(f"{field} of {name} must be {_wording(types[field])}, received {str(value)[:60]!r}")


@cache
def _annotations(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return isinstance(value, tuple) and all(_fits(entry, inner) for entry in value)
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in _SCALARS:
        return type(value) is kind
    if isinstance(kind, type) and issubclass(kind, Enum):
        return isinstance(value, kind)
    return True


def _wording(kind: Any) -> str:
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}.get(kind, str(kind))


def _require(condition: Any, name: str, wanted: str) -> None:
    if not condition:
        raise ValueError(f"{name} must be {wanted}")
