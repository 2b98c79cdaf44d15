"""Databases of minima and transition states of PATHSAMPLE and pele."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np

from explorer.errors import InputError
from explorer.landscape.graph import SADDLE
from explorer.landscape.pathsample import MINIMA, SADDLES, StationaryPoint, read_points
from explorer.landscape.rates import RateNetwork

_MINIMA_OF_PELE = "SELECT _id, energy, fvib, pgorder FROM tbl_minima WHERE NOT coalesce(invalid, 0)"
_SADDLES_OF_PELE = (
    "SELECT _id, energy, fvib, pgorder, _minimum1_id, _minimum2_id FROM tbl_transition_states "
    "WHERE NOT coalesce(invalid, 0)"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class LandscapeDatabase:
    """Minima and transition states of a database, with energies in its own unit.

    Attributes:
        minima: Minima by their number in the database.
        saddles: Transition states by their number; their ends are numbers of minima.
    """

    minima: dict[int, StationaryPoint]
    saddles: dict[int, StationaryPoint]


def read_database(path: Path) -> LandscapeDatabase:
    """Read minima and transition states; points that pele marked as invalid are left out.

    Structures of pele are pickled Python objects. They are not read, since a pickle can run any program.

    Args:
        path: Folder with `min.data` and `ts.data` of PATHSAMPLE, or an SQLite file of pele.

    Raises:
        InputError: When a file is missing or damaged, or names a minimum that does not exist.
    """
    database = _read_pathsample(path) if path.is_dir() else _read_pele(path)
    for number, saddle in database.saddles.items():
        unknown = [end for end in saddle.ends if end not in database.minima]
        if unknown:
            raise InputError(f"Transition state {number} of {path} joins minimum {unknown[0]}, which does not exist.")
    return database


def _read_pathsample(folder: Path) -> LandscapeDatabase:
    minima, saddles = read_points(folder / MINIMA, 0), read_points(folder / SADDLES, 2)
    return LandscapeDatabase(minima=dict(enumerate(minima, start=1)), saddles=dict(enumerate(saddles, start=1)))


def _read_pele(path: Path) -> LandscapeDatabase:
    if not path.is_file():
        raise InputError(f"{path} does not exist. A folder with {MINIMA} and {SADDLES} or a file of pele was expected.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            minima = connection.execute(_MINIMA_OF_PELE).fetchall()
            saddles = connection.execute(_SADDLES_OF_PELE).fetchall()
        return LandscapeDatabase(
            minima={number: _point(*values) for number, *values in minima},
            saddles={number: _point(*values) for number, *values in saddles},
        )
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise InputError(f"{path} could not be read as a database of pele: {error}.") from error


def _point(energy: float, log_product: float | None, order: int | None, *ends: int) -> StationaryPoint:
    moments = np.ones(3)  # pele stores none
    return StationaryPoint(float(energy), log_product or 0.0, order or 1, moments, tuple(int(end) for end in ends))


def database_graph(database: LandscapeDatabase, unit: float) -> nx.MultiGraph:
    """Return the graph of a database in the form of `minima_graph`: nodes with `energy`, edges of the kind `saddle`.

    Args:
        database: Minima and transition states.
        unit: Unit of its energies, eV.
    """
    graph = nx.MultiGraph()
    zero = min((point.energy for point in database.minima.values()), default=0.0)
    for number, point in database.minima.items():
        graph.add_node(number, energy=unit * point.energy, relative_energy=unit * (point.energy - zero))
    for number, point in database.saddles.items():
        height, (a, b) = unit * point.energy, point.ends
        graph.add_edge(a, b, kind=SADDLE, id=number, energy=height, upper_bound=height, degenerate=a == b)
    return graph


def database_network(database: LandscapeDatabase, thermal_energy: float) -> RateNetwork:
    """Return the network of classical harmonic rate constants of a database. Degenerate rearrangements are left out.

    k = (o_a / o_s) √(Π ω_a² / Π ω_s²) / 2π exp(-(E_s - E_a) / kT), in the unit of time of the frequencies.

    Args:
        database: Minima and transition states with their frequencies.
        thermal_energy: kT in the unit of the energies.
    """
    place = {number: k for k, number in enumerate(database.minima)}
    kept = {number: point for number, point in database.saddles.items() if point.ends[0] != point.ends[1]}
    zero = min((point.energy for point in database.minima.values()), default=0.0)

    def reduced(point: StationaryPoint) -> float:
        return (point.energy - zero) / thermal_energy + point.log_product / 2 + np.log(point.order)

    free = np.array([reduced(point) for point in database.minima.values()])
    lowest = free.min() if len(free) else 0.0
    return RateNetwork(
        ids=np.array([*database.minima], dtype=int),
        free_energies=free - lowest,
        saddle_ids=np.array([*kept], dtype=int),
        ends=np.array([[place[end] for end in point.ends] for point in kept.values()], dtype=int).reshape(-1, 2),
        saddle_free_energies=np.array([reduced(point) for point in kept.values()]) - lowest,
        log_prefactor=-float(np.log(2 * np.pi)),
    )
