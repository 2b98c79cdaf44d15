"""Reading of a run, even while it is being written."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from explorer.records.comparisons import Comparison, TrainingMinimum, Validation
from explorer.records.former_names import UNCERTAINTY_LIMITS
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.moves import Move
from explorer.records.run import Costs, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import ANY_LEVEL, UncertaintyEstimate, is_within_limit
from explorer.store.certificates import read_certificates
from explorer.store.damage import Damage, refuse_damage
from explorer.store.database import clear_errors, connect, current_row, locate, real, unpack
from explorer.store.properties import read_properties
from explorer.store.record_check import check_record, clear_value_errors
from explorer.store.rows import read_uncertainty
from explorer.store.saddle_validations import read_saddle_validations
from explorer.store.trajectories import read_trajectories
from explorer.store.transition_states import read_transition_states


def read_run(path: Path) -> RunRecord:
    """Read everything that is stored about a run, as of its last committed round.

    A visit is a hop that ended in a minimum. Visits are counted here, not stored.

    Args:
        path: SQLite file of the run, or the folder that contains it.

    Raises:
        StoreError: If there is no run, or if it cannot be read.
    """
    path = locate(path)
    with closing(connect(path)) as connection, clear_errors(path), clear_value_errors(path):
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")  # one snapshot for all tables
        refuse_damage(path, Damage.of(connection))
        run = connection.execute("SELECT * FROM run").fetchone()
        config = json.loads(run["config"])
        limit = str(config.get("hopping", {}).get("max_uncertainty", ANY_LEVEL))
        limit = UNCERTAINTY_LIMITS.get(limit, limit)
        rows = connection.execute("SELECT * FROM minimum ORDER BY id")
        minima = tuple(_minimum(current_row("minimum", row), limit) for row in rows)
        hops = tuple(
            _hop(current_row("hop", row), minima) for row in connection.execute("SELECT * FROM hop ORDER BY id")
        )
        visits = Counter(hop.end for hop in hops if hop.end is not None)
        certificates, saddles = read_certificates(connection)
        properties = read_properties(connection)
        transition_states, attempts, connect_seconds = read_transition_states(connection)
        record = RunRecord(
            molecule=_molecule(dict(connection.execute("SELECT * FROM molecule").fetchone())),
            config=config,
            provenance=json.loads(run["provenance"]),
            minima=minima,
            hops=hops,
            rounds=tuple(_round(row) for row in connection.execute("SELECT * FROM round ORDER BY id")),
            finished=run["finished"],
            comparison=_comparison(connection),
            validation=_validation(connection.execute("SELECT * FROM validation").fetchone()),
            visits={minimum.id: visits[minimum.id] for minimum in minima},
            certificates=certificates,
            saddles=saddles,
            transition_states=transition_states,
            saddle_attempts=attempts,
            connect_seconds=connect_seconds,
            properties=properties,
            trajectories=read_trajectories(connection),
            saddle_validations=read_saddle_validations(connection),
        )
        check_record(record)
        return record


def _molecule(row: dict[str, Any]) -> Molecule:
    arrays = ("atomic_numbers", "positions", "bonds", "bond_orders", "formal_charges")
    isotopes = row.get("isotopes")  # present since schema 11, as are remarks
    return Molecule(
        name=row["name"],
        source=row["source"],
        total_charge=row["total_charge"],
        multiplicity=row["multiplicity"],
        atom_names=tuple(json.loads(row["atom_names"])),
        isotopes=None if isotopes is None else unpack(isotopes),
        remarks=tuple(json.loads(row.get("remarks", "[]"))),
        **{name: unpack(row[name]) for name in arrays},
    )


def _round(row: sqlite3.Row) -> Costs:
    return Costs(
        n_evaluations=row["n_evaluations"],
        n_minima=row["n_minima"],
        wall_seconds=real(row["wall_seconds"]),
        potential_seconds=real(row["potential_seconds"]),
        n_idle=row["n_idle"] if "n_idle" in row.keys() else 0,  # noqa: SIM118, a row is no mapping
    )


def _minimum(row: dict[str, Any], limit: str) -> Minimum:
    uncertainty = read_uncertainty(row)
    return Minimum(
        id=row["id"],
        energy=real(row["energy"]),
        positions=unpack(row["positions"]),
        structure_class=StructureClass(row["class"]),
        fmax=real(row["fmax"]),
        n_evaluations=row["n_evaluations"],
        round=row["round"],
        uncertainty=uncertainty,
        exclusion=_exclusion(row.get("exclusion"), uncertainty, limit),
        attempt=row.get("attempt"),
    )


def _exclusion(stored: str | None, uncertainty: UncertaintyEstimate | None, limit: str) -> str:
    """Return why a minimum is no result; before schema 11 it follows from its trust level and the limit of the run."""
    if stored is not None:
        return stored
    is_known = uncertainty is None or is_within_limit(uncertainty.trust_level, limit)
    return "" if is_known or uncertainty is None else str(uncertainty.trust_level)


def _hop(row: dict[str, Any], minima: Sequence[Minimum]) -> Hop:
    escape, torsions = row.get("escape_class"), row.get("start_torsions")  # present since schema 2 and 7
    return Hop(
        walker=row["walker"],
        index=row["number"],
        round=row["round"],
        start=row["start"],
        end=row["end"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        accepted=bool(row["accepted"]),
        temperature=real(row["temperature"]),
        ediff=real(row["ediff"]),
        highest_energy=real(row["highest_energy"]),
        n_evaluations=row["n_evaluations"],
        escape_class=StructureClass(escape) if escape else None,
        move=Move(row.get("move") or Move.HOPPING),  # the only move before schema 5
        start_torsions=tuple(unpack(torsions).tolist()) if torsions else (),
        uncertainty=read_uncertainty(row) if row["end"] is None else minima[row["end"]].uncertainty,
    )


def _comparison(connection: sqlite3.Connection) -> Comparison | None:
    row = connection.execute("SELECT * FROM comparison").fetchone()
    if row is None:
        return None
    row = current_row("comparison", row)
    minima = connection.execute("SELECT * FROM training_minimum ORDER BY id")
    return Comparison(
        training_minima=tuple(
            TrainingMinimum(
                id=m["id"],
                energy=real(m["energy"]),
                positions=unpack(m["positions"]),
                n_frames=m["n_frames"],
                found=m["found"],
            )
            for m in minima
        ),
        nearest_frame_distance=unpack(row["nearest_frame_distance"]),
        frames_torsions=unpack(row["frames_torsions"]),
        n_frames=row["n_frames"],
        n_relaxed=row["n_relaxed"],
        n_failed=row["n_failed"],
        source=row["source"],
    )


def _validation(row: sqlite3.Row | None) -> Validation | None:
    if row is None:
        return None
    arrays = ("ids", "rmsd", "stayed", "energy", "reference_energy")
    return Validation(reference=row["reference"], **{name: unpack(row[name]) for name in arrays})
