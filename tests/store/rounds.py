"""Rounds that depend only on their numbers, a store for them, and bitwise comparison of records."""

import dataclasses
import math
from pathlib import Path

import numpy as np

from explorer.io.build import from_sequence
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.store.store import Store

MOLECULE = from_sequence("G")
CONFIG = {"seed": 3, "hopping": {"mdmin": 4, "time_step": 1.5}, "potential": "lennard-jones"}
PROVENANCE = {"version": "0.1", "seed": "3"}


def make_minimum(id: int, round: int = 0) -> Minimum:
    positions = np.random.default_rng(id).normal(size=(MOLECULE.n_atoms, 3))
    structure_class = list(StructureClass)[id % len(StructureClass)]
    return Minimum(
        id=id,
        energy=-1.0 - 1e-13 * id,
        positions=positions,
        structure_class=structure_class,
        fmax=0.004,
        n_evaluations=100 + id,
        round=round,
    )


def make_hop(index: int, end: int | None, round: int = 0, start: int = -1) -> Hop:
    outcome = Outcome.FAILED if end is None else Outcome.NEW
    escape = StructureClass.FRAGMENTED if index % 2 else None
    return Hop(
        walker=2,
        index=index,
        round=round,
        start=start,
        end=end,
        outcome=outcome,
        reason="no reason",
        accepted=True,
        temperature=400.0,
        ediff=0.08,
        highest_energy=-0.5,
        n_evaluations=77,
        escape_class=escape,
    )


def make_round(index: int, minima_per_round: int = 2) -> Round:
    ids = range(index * minima_per_round, (index + 1) * minima_per_round)
    return Round(
        index=index,
        minima=tuple(make_minimum(id, index) for id in ids),
        hops=tuple(make_hop(id, id, index) for id in ids),
        walkers={"positions": np.full((2, 5, 3), index, np.float32), "phase": np.array([index, 1], np.int32)},
        n_evaluations=1000 * (index + 1),
        wall_seconds=1.5 * (index + 1),
        potential_seconds=1.0 * (index + 1),
        n_idle=7 * (index + 1),
    )


def begin(folder: Path) -> Store:
    return Store.begin(folder / "run.sqlite", MOLECULE, CONFIG, PROVENANCE)


def assert_same(left: object, right: object) -> None:
    """Assert that records are equal in every field, in type and to the last bit."""
    if dataclasses.is_dataclass(left):
        assert type(left) is type(right)
        for field in dataclasses.fields(left):
            assert_same(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_same(a, b)
    elif isinstance(left, float) and math.isnan(left):
        assert math.isnan(right)
    else:
        assert type(left) is type(right)
        assert left == right
