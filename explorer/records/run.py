"""A run as the store holds it: its molecule, settings, minima, hops, costs, and what was computed about them later."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from explorer.records.certificates import Certificate, Saddle
from explorer.records.comparisons import Comparison, Validation
from explorer.records.hop import Hop
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.properties import Properties
from explorer.records.trajectories import Trajectory

REARRANGED_TO = "molecule_became"  # provenance of a run whose protons moved as the input was relaxed


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """What one round of the search found; the store commits it in one transaction.

    Attributes:
        index: number of the round, from 0.
        minima: new minima, in order of id.
        hops: hops that ended in this round, in merge order.
        walkers: named arrays with a leading walker axis: all that a resumed run needs.
        n_evaluations: force calls of the run after this round.
        wall_seconds: of the run after this round, resumed parts added up.
        potential_seconds: of these, the share measured inside the potential.
        n_idle: force calls that the device had room for and nobody needed, so far.
    """

    index: int
    minima: tuple[Minimum, ...]
    hops: tuple[Hop, ...]
    walkers: dict[str, np.ndarray]
    n_evaluations: int
    wall_seconds: float
    potential_seconds: float
    n_idle: int = 0


class Costs(NamedTuple):
    """What a run had cost after a round; as in `Round`, with the number of minima."""

    n_evaluations: int
    n_minima: int
    wall_seconds: float
    potential_seconds: float
    n_idle: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """Everything that a store holds about one run, ready for graphs and reports.

    Attributes:
        molecule: the input.
        config: effective settings, nested.
        provenance: version, seed, digests, host facts: strings by name.
        minima: in order of id.
        hops: in order of commit.
        rounds: what the run had cost after each round.
        finished: why the run ended, or "" while it may go on.
        comparison: with the training data, if it was made.
        validation: with a reference method, if it was made.
        visits: hops that ended in each minimum, by id.
        certificates: of the minima that were tested, in order of id.
        saddles: found among them, in order of id.
        properties: what the model says of minima beside their energy, where it knows charges.
        trajectories: that test the model, if they were made.
    """

    molecule: Molecule
    config: dict
    provenance: dict[str, str]
    minima: tuple[Minimum, ...]
    hops: tuple[Hop, ...]
    rounds: tuple[Costs, ...]
    finished: str = ""
    comparison: Comparison | None = None
    validation: Validation | None = None
    visits: dict[int, int] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()
    saddles: tuple[Saddle, ...] = ()
    properties: Properties | None = None
    trajectories: tuple[Trajectory, ...] = ()

    @property
    def conformers(self) -> tuple[Minimum, ...]:
        """The minima with bonds and stereocentres of the input, in order of id."""
        return tuple(m for m in self.minima if m.structure_class.is_conformer)
