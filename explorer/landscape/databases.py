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
