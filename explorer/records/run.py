"""Record of a run: molecule, settings, minima, hops, costs, and results that were computed from them later."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np

from explorer.records.certificates import Certificate, Saddle
from explorer.records.comparisons import Comparison, SaddleValidation, Validation
from explorer.records.hop import Hop
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.properties import Properties
from explorer.records.trajectories import Trajectory
from explorer.records.transition_states import ConnectRound, SaddleAttempt, TransitionState

# Keys of the provenance: times of the last command that searched, as texts, s.
COMPILE_SECONDS = "compile_seconds"  # in which programs were traced, lowered or compiled
SECONDS_BEFORE_SEARCH = "seconds_before_search"  # from the beginning of the command to that of the first hop
SECONDS_TO_FIRST_HOP = "seconds_to_first_hop"  # from the beginning of the command to the end of the first hop
SECONDS_AFTER_SEARCH = "seconds_after_search"  # from the end of the search until the report was written
START_TIMES = (COMPILE_SECONDS, SECONDS_BEFORE_SEARCH, SECONDS_TO_FIRST_HOP, SECONDS_AFTER_SEARCH)
# Key of the provenance of a run whose protons moved when the input was relaxed; its value describes the change.
REARRANGED_TO = "molecule_became"
# Keys of the provenance of a run that was recovered from a damaged one: its file, and what is lost.
RECOVERED_FROM, RECOVERED_WITHOUT = "recovered_from", "recovered_without"
LOST_STATE = "the state of the walkers"  # among what is lost; such a run cannot be resumed


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """Results of one round of the search, which the store commits in one transaction.

    Attributes:
        index: Number of the round, from 0.
        minima: New minima, in order of id.
        hops: Hops that ended in this round, in order of their walkers.
        walkers: State of the walkers as named arrays with a leading walker axis, from which a run resumes.
        n_evaluations: Force calls of the run after this round.
        wall_seconds: Wall time of the search after this round, s, including the time before it was resumed. It counts
            from the first hop, without compilation.
        potential_seconds: Part of the wall time that is spent in force calls, s, from measured times of a force call.
        n_idle: Force calls of the run for which the device had room and which were not needed.

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
    """Costs of a run after a round.

    Attributes:
        n_evaluations: Force calls.
        n_minima: Number of minima.
        wall_seconds: Wall time of the search, s, from the first hop and without compilation.
        potential_seconds: Part of the wall time that is spent in force calls, s.
        n_idle: Force calls for which the device had room and which were not needed.
    """

    n_evaluations: int
    n_minima: int
    wall_seconds: float
    potential_seconds: float
    n_idle: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """Everything that a store holds about one run.

    Attributes:
        molecule: Input molecule.
        config: Settings of the run, nested.
        provenance: Version, seed, digests and facts about the host, as texts by name.
        minima: Minima in order of id.
        hops: Hops in the order in which they were committed.
        rounds: Costs of the run after each round.
        finished: Why the run ended; empty while it may continue.
        comparison: Comparison with the training data, if it was made.
        validation: Validation by a reference method, if it was made.
        visits: Number of hops that ended in each minimum, by id.
        certificates: Certificates of the minima that were tested, in order of id.
        saddles: Saddles among them, in order of id.
        transition_states: Transition states of `pes-explore connect`, in order of id.
        saddle_attempts: Attempts to find them, in order of id.
        connect_seconds: Wall time of all rounds of `pes-explore connect`, s.
        properties: Properties of the minima, if the model provides charges.
        trajectories: Stability tests of the model, if they were made.
        saddle_validations: Transition states refined with a reference method, in order of id.

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
    transition_states: tuple[TransitionState, ...] = ()
    saddle_attempts: tuple[SaddleAttempt, ...] = ()
    connect_seconds: float = 0.0
    properties: Properties | None = None
    trajectories: tuple[Trajectory, ...] = ()
    saddle_validations: tuple[SaddleValidation, ...] = ()

    def with_rounds(self, rounds: Sequence[Round], finished: str = "") -> Self:
        """Return the record after further rounds of the search, as the store holds it.

        Args:
            rounds: Rounds in order; they follow the last one of the record.
            finished: Why the run ended, or "" while it may go on.
        """
        minima = (*self.minima, *(minimum for round in rounds for minimum in round.minima))
        hops = (*self.hops, *(hop for round in rounds for hop in round.hops))
        visits = Counter(hop.end for hop in hops if hop.end is not None)
        costs, n_minima = [], len(self.minima)
        for round in rounds:
            n_minima += len(round.minima)
            costs.append(
                Costs(
                    n_evaluations=round.n_evaluations,
                    n_minima=n_minima,
                    wall_seconds=round.wall_seconds,
                    potential_seconds=round.potential_seconds,
                    n_idle=round.n_idle,
                )
            )
        return replace(
            self,
            minima=minima,
            hops=hops,
            rounds=(*self.rounds, *costs),
            finished=finished,
            comparison=None if rounds else self.comparison,  # it had fewer minima; the store drops it as well
            visits={minimum.id: visits[minimum.id] for minimum in minima},
        )

    def with_connections(self, round: ConnectRound) -> Self:
        """Return the record after a further round of `pes-explore connect`, as the store holds it.

        Args:
            round: The round.
        """
        return replace(
            self,
            minima=(*self.minima, *round.minima),
            transition_states=(*self.transition_states, *round.transition_states),
            saddle_attempts=(*self.saddle_attempts, *round.attempts),
            connect_seconds=round.wall_seconds,
            comparison=None if round.minima else self.comparison,  # the store drops it as well
            visits={**self.visits, **{minimum.id: 0 for minimum in round.minima}},
        )

    @property
    def results(self) -> tuple[Minimum, ...]:
        """Minima that the model knows, in order of id."""
        return tuple(m for m in self.minima if m.is_result)

    @property
    def unknown(self) -> tuple[Minimum, ...]:
        """Minima that the model does not know, in order of id."""
        return tuple(m for m in self.minima if not m.is_result)

    @property
    def conformers(self) -> tuple[Minimum, ...]:
        """Results with the bonds and stereocentres of the input, in order of id."""
        return tuple(m for m in self.minima if m.is_conformer)

    @property
    def zero(self) -> float:
        """Zero of relative energies, eV: the lowest conformer, or the lowest result or minimum if there is none."""
        ranked = self.conformers or self.results or self.minima
        return min((m.energy for m in ranked), default=0.0)

    @property
    def unknown_share(self) -> float:
        """Share of the force calls of the hops that started from or ended in a minimum that the model does not know."""
        unknown = {m.id for m in self.unknown}
        total = sum(hop.n_evaluations for hop in self.hops)
        return sum(h.n_evaluations for h in self.hops if {h.start, h.end} & unknown) / total if total else 0.0
