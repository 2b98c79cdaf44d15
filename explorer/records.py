"""What is kept of a run: frozen host records of numpy arrays, no JAX."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.certificates import Certificate, Saddle
from explorer.classes import StructureClass
from explorer.comparisons import Comparison, Validation
from explorer.doubt import Doubt
from explorer.moves import Move
from explorer.properties import Properties
from explorer.trajectories import Trajectory

SETTLED = "molecule_became"  # provenance of a run whose protons moved as the input was relaxed


class Outcome(StrEnum):
    """How a hop ended; every hop has exactly one."""

    SAME = "same"  # back in the minimum it left
    KNOWN = "known"  # another minimum of the history
    NEW = "new"  # a minimum nobody had seen
    CHANGED = "changed"  # a class that is not allowed: stored, but the walker goes back
    DOUBTED = "doubted"  # a minimum that the network knows less well than is allowed: likewise
    FAILED = "failed"  # no minimum; the reason says why


@dataclass(frozen=True, eq=False)
class Molecule:
    """One molecule as it was given.

    Attributes:
        name: short name, used for titles and files.
        atomic_numbers: of each atom, shape (N,).
        positions: Å, shape (N, 3).
        bonds: index pairs i < j, shape (n_bonds, 2); empty for atomic clusters.
        bond_orders: 1, 1.5 (aromatic or amide is 1 here), 2 or 3, shape (n_bonds,).
        formal_charges: of each atom, e, shape (N,).
        total_charge: e.
        multiplicity: 2 S + 1.
        atom_names: PDB-like labels, or element symbols.
        source: where it came from (a path, a SMILES string, a sequence).
    """

    name: str
    atomic_numbers: Int[np.ndarray, "N"]
    positions: Float[np.ndarray, "N 3"]
    bonds: Int[np.ndarray, "n_bonds 2"]
    bond_orders: Float[np.ndarray, "n_bonds"]
    formal_charges: Int[np.ndarray, "N"]
    total_charge: int = 0
    multiplicity: int = 1
    atom_names: tuple[str, ...] = ()
    source: str = ""

    @property
    def n_atoms(self) -> int:
        return len(self.atomic_numbers)


@dataclass(frozen=True, eq=False)
class Minimum:
    """A distinct relaxed structure of the run.

    Attributes:
        id: position in the order of discovery, from 0.
        energy: eV.
        positions: Å, shape (N, 3), centred.
        structure_class: what it is, compared with the input.
        fmax: largest per-atom force norm after relaxation, eV/Å.
        n_evaluations: force calls of the run when it was first found.
        round: the round that found it, from 0.
        doubt: how well the network knows it; None where it does not say.
    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    structure_class: StructureClass
    fmax: float
    n_evaluations: int
    round: int
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Hop:
    """One attempted step of a walker from minimum to minimum.

    Attributes:
        walker: index of the walker.
        index: number of this hop of the walker, from 0.
        round: the round in which it ended.
        start: id of the minimum that was left; -1 for the relaxation of the input.
        end: id of the minimum that was reached; None when the hop failed.
        outcome: how it ended.
        reason: why it failed, or what is different from the molecule that was given and since when.
        accepted: whether the walker moved to `end`.
        temperature: of the initial velocities, K.
        ediff: the acceptance threshold, eV.
        highest_energy: highest potential energy on the way, eV: an upper bound of
            the barrier top, never a saddle energy; infinite for a jump, which is no path.
        n_evaluations: force calls spent on this hop.
        escape_class: what the structure was when the dynamics ended and relaxation began; None
            without dynamics (the input, a jump) or where these exploded.
        move: how the walker left.
        aim: torsions where a jump began to relax, degrees, one per bond that turns; empty for a path.
        doubt: how well the network knows the structure in which it ended; None where it does not say.
    """

    walker: int
    index: int
    round: int
    start: int
    end: int | None
    outcome: Outcome
    reason: str
    accepted: bool
    temperature: float
    ediff: float
    highest_energy: float
    n_evaluations: int
    escape_class: StructureClass | None = None
    move: Move = Move.HOPPING
    aim: tuple[float, ...] = ()
    doubt: Doubt | None = None


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
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
