"""Conversion between records and rows of the store.

NumPy scalars are converted explicitly because sqlite3 would store np.int64 and np.float32 as bytes.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.records.hop import Hop
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.store.database import UNCERTAINTY_COLUMNS, pack, real


def molecule_row(molecule: Molecule) -> dict[str, object]:
    """Return the single row of the table `molecule`, by column."""
    return {
        "name": molecule.name,
        "source": molecule.source,
        "total_charge": int(molecule.total_charge),
        "multiplicity": int(molecule.multiplicity),
        "atom_names": json.dumps(molecule.atom_names),
        "atomic_numbers": pack(molecule.atomic_numbers),
        "positions": pack(np.asarray(molecule.positions, dtype=float)),
        "bonds": pack(molecule.bonds),
        "bond_orders": pack(molecule.bond_orders),
        "formal_charges": pack(molecule.formal_charges),
        "isotopes": None if molecule.isotopes is None else pack(molecule.isotopes),
        "remarks": json.dumps(molecule.remarks),
    }


def minimum_row(minimum: Minimum) -> dict[str, object]:
    """Return a row of the table `minimum`, by column."""
    return {
        "id": int(minimum.id),
        "energy": float(minimum.energy),
        "positions": pack(np.asarray(minimum.positions, dtype=float)),
        "class": str(minimum.structure_class),
        "fmax": float(minimum.fmax),
        "n_evaluations": int(minimum.n_evaluations),
        "round": int(minimum.round),
        **uncertainty_columns(minimum.uncertainty),
        "exclusion": minimum.exclusion,
        "attempt": None if minimum.attempt is None else int(minimum.attempt),
    }


def hop_row(hop: Hop) -> dict[str, object]:
    """Return a row of the table `hop`, by column.

    The uncertainty is stored only for failed hops; other hops have that of the minimum in which they ended.

    Args:
        hop: Hop to store.
    """
    return {
        "walker": int(hop.walker),
        "number": int(hop.index),
        "round": int(hop.round),
        "start": int(hop.start),
        "end": None if hop.end is None else int(hop.end),
        "outcome": str(hop.outcome),
        "reason": hop.reason,
        "accepted": int(hop.accepted),
        "temperature": float(hop.temperature),
        "ediff": float(hop.ediff),
        "highest_energy": float(hop.highest_energy),
        "n_evaluations": int(hop.n_evaluations),
        "escape_class": None if hop.escape_class is None else str(hop.escape_class),
        "move": str(hop.move),
        "start_torsions": pack(np.array(hop.start_torsions, np.float32)) if hop.start_torsions else None,
        **uncertainty_columns(hop.uncertainty if hop.end is None else None),
    }


def uncertainty_columns(estimate: UncertaintyEstimate | None) -> dict[str, object]:
    """Return the columns of an uncertainty estimate; none without an estimate."""
    if estimate is None:
        return {}
    return {**estimate._asdict(), "trust_level": str(estimate.trust_level)}


def read_uncertainty(row: Mapping[str, Any]) -> UncertaintyEstimate | None:
    """Return the uncertainty estimate of a row; None if there is none, as in runs before schema 8.

    Args:
        row: Row of the table `minimum`, `hop` or `transition_state`, by the current names of its columns.
    """
    if not row.get("trust_level"):
        return None
    numbers = {name: real(row[name]) for name in UNCERTAINTY_COLUMNS if name != "trust_level"}
    return UncertaintyEstimate(**numbers, trust_level=TrustLevel(row["trust_level"]))
