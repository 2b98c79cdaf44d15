"""Export of a run to the formats of other programs."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import networkx as nx
import numpy as np

from explorer.errors import ConfigError
from explorer.files import write_atomically
from explorer.io.settle import with_bonds_of
from explorer.io.write import plain_scalars, with_units, write_extxyz, write_records
from explorer.landscape.graph import minima_graph
from explorer.records.minimum import Minimum
from explorer.records.properties import Properties
from explorer.records.run import RunRecord
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.store.export_landscape import (
    export_graph_json,
    export_pathsample_minima,
    export_pathsample_saddles,
)
from explorer.store.rows import uncertainty_columns
from explorer.topology.hydrogen_bonds import hydrogen_bond_patterns


def by_energy(run: RunRecord, with_unknown: bool = False) -> list[Minimum]:
    """Return the results of a run in ascending energy, and behind them the minima that the model does not know.

    Args:
        run: Run to export.
        with_unknown: Whether to return the latter.
    """
    chosen = run.minima if with_unknown else run.results
    return sorted(chosen, key=lambda minimum: (not minimum.is_result, minimum.energy, minimum.id))


def describe_minima(run: RunRecord, minima: Sequence[Minimum]) -> list[dict[str, object]]:
    """Return the values that every format contains for each of some minima.

    `energy` is in eV. `hydrogen_bonds` is the pattern of hydrogen bonds. `n_evaluations` is the number of force calls
    of the run when the minimum was first found.

    Args:
        run: Run that contains the minima.
        minima: Minima to describe.
    """
    patterns = hydrogen_bond_patterns(run.molecule, np.array([m.positions for m in minima]))
    return [_describe(run, minimum, pattern) for minimum, pattern in zip(minima, patterns, strict=True)]


def _describe(run: RunRecord, minimum: Minimum, hydrogen_bonds: str) -> dict[str, object]:
    return {
        "id": minimum.id,
        "energy": minimum.energy,
        "class": str(minimum.structure_class),
        "hydrogen_bonds": hydrogen_bonds,
        "visits": run.visits.get(minimum.id, 0),
        "n_evaluations": minimum.n_evaluations,
        **_dipole(run, minimum),
        **_uncertainty(minimum.uncertainty),
        **({} if minimum.is_result else {"exclusion": minimum.exclusion}),
    }


def _uncertainty(estimate: UncertaintyEstimate | None) -> dict[str, object]:
    """Return the values of an uncertainty estimate, with the trust level as `verdict`; none without an estimate."""
    columns = uncertainty_columns(estimate)
    return {"verdict" if name == "trust_level" else name: value for name, value in columns.items()}


def _dipole(run: RunRecord, minimum: Minimum) -> dict[str, float]:
    """Return the dipole moment (D) of a minimum, if the model provides it."""
    properties = _properties_of(run, [minimum])
    return {} if properties is None else {"dipole_moment": float(properties.dipole_moments[minimum.id])}


def _properties_of(run: RunRecord, minima: Sequence[Minimum]) -> Properties | None:
    """Return the properties of the run, if they were computed for all of these minima."""
    properties = run.properties
    return properties if properties is not None and all(m.id < len(properties) for m in minima) else None


def export_minima_extxyz(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write the results as extended XYZ (Å, eV) in order of ascending energy.

    `ase.io.read(path, ":")` provides `id`, `class`, `hydrogen_bonds`, `visits` and `n_evaluations` in `atoms.info`,
    and the energy by `atoms.get_potential_energy()`. If the model provides charges (e), they are returned by
    `atoms.get_charges()`, and `atoms.info` contains `dipole_moment` (D).

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Whether to add the minima that the model does not know, which have an `exclusion`.
    """
    minima = by_energy(run, with_unknown)
    properties = _properties_of(run, minima)
    charges = None if properties is None else [properties.charges[m.id] for m in minima]
    write_extxyz(path, run.molecule, [m.positions for m in minima], describe_minima(run, minima), charges)


def export_minima_sdf(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write the results as SDF in order of ascending energy.

    Conformers have the bonds of the input molecule, other structures their own.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Whether to add the minima that the model does not know.
    """
    minima = by_energy(run, with_unknown)
    molecules = [
        run.molecule if m.structure_class.is_conformer else with_bonds_of(run.molecule, m.positions) for m in minima
    ]
    write_records(path, molecules, [m.positions for m in minima], describe_minima(run, minima))


def export_graph(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write the graph of minima as GraphML. It contains scalars and the text of enumerations, with units in the names.

    None and infinite values are left out, such as the bound of a pair that only jumps join.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Whether to add the minima that the model does not know.
    """
    graph = minima_graph(run, with_unknown)
    plain = nx.MultiGraph()
    plain.add_nodes_from((node, plain_scalars(values)) for node, values in graph.nodes(data=True))
    for number, (a, b, values) in enumerate(graph.edges(data=True)):
        # the key becomes the id of the edge, which must be unique in the file
        plain.add_edge(a, b, number, **plain_scalars(values))
    with write_atomically(Path(path)) as temporary:
        nx.write_graphml(plain, temporary)


def export_minima_csv(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write a table with one line per result in order of ascending energy, with units in the names of the columns.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Whether to add the minima that the model does not know.
    """
    minima = by_energy(run, with_unknown)
    described = zip(minima, describe_minima(run, minima), strict=True)
    rows = [{**values, "fmax": m.fmax, "round": m.round} for m, values in described]
    names = ("id", "energy", "class", "hydrogen_bonds", "visits", "n_evaluations", "fmax", "round")
    _write_csv(path, tuple(dict.fromkeys((*names, *(name for row in rows for name in row)))), rows)


def export_hops_csv(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write a table with one line per hop in order of commit, with units in the names of the columns.

    `end` is empty if a hop failed.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Without effect: a table of hops has all of them, so that force calls add up.
    """
    names = (
        "walker",
        "index",
        "round",
        "start",
        "end",
        "outcome",
        "reason",
        "accepted",
        "temperature",
        "ediff",
        "highest_energy",
        "n_evaluations",
        "escape_class",
        "move",
    )
    rows = [{name: getattr(hop, name) for name in names} | _uncertainty(hop.uncertainty) for hop in run.hops]
    _write_csv(path, tuple(dict.fromkeys((*names, *(name for row in rows for name in row)))), rows)


def _write_csv(path: Path, names: Sequence[str], rows: Sequence[dict[str, object]]) -> None:
    with write_atomically(Path(path)) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, with_units(dict.fromkeys(names)))
        writer.writeheader()
        writer.writerows(map(with_units, rows))


def export_saddles_extxyz(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write the transition states as extended XYZ (Å, eV) in order of ascending energy.

    `atoms.info` has `id`, `minima` (ids on both sides), `imaginary` (cm⁻¹, positive), `class` and `remark`.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Without effect: transition states join results only.
    """
    states = sorted(run.transition_states, key=lambda state: (state.energy, state.id))
    values = [
        {
            "id": state.id,
            "energy": state.energy,
            "minima": f"{state.minima[0]} {state.minima[1]}",  # ASE reads an array
            "imaginary": state.imaginary,
            "class": str(state.structure_class),
            "fmax": state.fmax,
            "remark": state.remark,
            **_uncertainty(state.uncertainty),
        }
        for state in states
    ]
    write_extxyz(path, run.molecule, [state.positions for state in states], values)


Writer = Callable[[RunRecord, Path, bool], None]  # run, file, whether to add minima that the model does not know
FORMATS: dict[str, tuple[tuple[str, Writer], ...]] = {
    "extxyz": (("minima.extxyz", export_minima_extxyz),),
    "sdf": (("minima.sdf", export_minima_sdf),),
    "graphml": (("graph.graphml", export_graph),),
    "saddles": (("saddles.extxyz", export_saddles_extxyz),),
    "csv": (("minima.csv", export_minima_csv), ("hops.csv", export_hops_csv)),
    "json": (("graph.json", export_graph_json),),
    "pathsample": (("min.data", export_pathsample_minima), ("ts.data", export_pathsample_saddles)),
}


def export(run: RunRecord, folder: Path, formats: Sequence[str], with_unknown: bool = False) -> list[Path]:
    """Write a run in one or more of `FORMATS`.

    Args:
        run: Run to export.
        folder: Folder of the files; it is created.
        formats: Names in `FORMATS`.
        with_unknown: Whether to add the minima that the model does not know.

    Returns:
        Files in order of the formats.

    Raises:
        ConfigError: If a format is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"format must be one of {', '.join(FORMATS)}, received {name!r}. Choose one of these.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in formats:
        for file_name, write in FORMATS[name]:
            write(run, folder / file_name, with_unknown)
            paths.append(folder / file_name)
    return paths
