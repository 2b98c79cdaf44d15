"""The host's side of a search: courses of walkers, what they reach, and whether it is true."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from explorer.config import Settings
from explorer.hopping.input_minimum import Assess, first_minimum
from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records.hop import Hop, Outcome
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES
from explorer.relax.relaxer import STATUS_TEXT, Status
from explorer.relax.tight import TightRelaxer
from explorer.strategy.history import History
from explorer.strategy.hop_request import HopRequest
from explorer.strategy.outcomes import HopEnd, WalkerState, conclude_hop
from explorer.strategy.selector import MoveSelector
from explorer.topology.classify import classify_batch

EXPLODED = "energies of the dynamics were not finite: walker too hot, time step too long, or a failed calculation"
UNCONFIRMED = "seemed new, but relaxed further, in float64: "
SYMMETRY_BREAKING = 0.02  # Å


class Coordinator:
    """Where the walkers of a search are, and what becomes of their hops.

    Args:
        potential: on which surface, in float64 where minima are to be confirmed in that.
        molecule: where to start.
        settings: everything else.
        history: empty, or the minima of the run that goes on.
        assess: says how well the network knows structures, Å; None where nothing does.
    """

    def __init__(
        self,
        potential: Potential,
        molecule: Molecule,
        settings: Settings,
        history: History,
        assess: Assess | None = None,
    ):
        self.relax_tightly = TightRelaxer(molecule, in_precision(potential, "float64"), settings)
        self.molecule, self.settings, self.history, self.assess = molecule, settings, history, assess
        self.walkers: list[WalkerState] = []
        self.selector = MoveSelector(molecule, settings, history)
        self.topology = self.selector.topology
        self.n_evaluations = 0

    def relax_input(self) -> Hop:
        """Relax the given structure: the first minimum, from which all walkers start.

        Raises:
            OtherMolecule: when it relaxes to what walkers may not explore.
            InputError: when it does not relax, or to what the network knows less well than is allowed.
        """
        first, found = first_minimum(self.molecule, self.topology, self.settings, self.relax_tightly, self.assess)
        n, self.n_evaluations = first.n_evaluations, self.n_evaluations + first.n_evaluations
        self.history.add(first)
        self.selector.add_minima(self.history.minima, [found])
        return Hop(
            walker=-1,
            index=0,
            round=0,
            start=-1,
            end=0,
            outcome=Outcome.NEW,
            reason=found.reason,
            accepted=True,
            temperature=0.0,
            ediff=0.0,
            highest_energy=first.energy,
            n_evaluations=n,
            uncertainty=first.uncertainty,
        )

    def start_walkers(self) -> None:
        """All walkers at the first minimum, on a ladder of temperatures."""
        hopping = self.settings.hopping
        ladder = np.geomspace(1, hopping.temperature_ladder, hopping.n_walkers) * hopping.temperature
        hottest = hopping.temperature_max
        self.walkers = [
            WalkerState(start=0, temperature=min(float(t), hottest), ediff=hopping.ediff, hop=0) for t in ladder
        ]
        self.selector.set_jump_targets(np.full((hopping.n_walkers, self.molecule.n_atoms, 3), np.nan))
        for walker, course in enumerate(self.walkers):
            self.selector.choose_hop(walker, course)

    def request(self, walker: int) -> HopRequest:
        """The current hop of a walker."""
        return self.selector.request(walker, self.walkers[walker])

    def conclude_hops(self, ended: Any, memory: Any, round_index: int) -> tuple[list[Hop], list[HopRequest]]:
        """What became of hops, in order of their walkers, and the next hop of each of these.

        Args:
            ended: `Report` with a leading axis and arrays of numpy.
            memory: what the relaxation of each has learned.
            round_index: the round in which they ended.
        """
        hops, launches = [], []
        for landing in self.with_uncertainty(self.with_tight_relaxation(self.collect_ends(ended), memory)):
            course, n_before = self.walkers[landing.walker], len(self.history)
            aim = self.selector.jump_torsions_of(landing.walker, course)
            hop = conclude_hop(
                landing, course, self.history, self.settings.hopping, self.n_evaluations, round_index, aim
            )
            new = self.history.minima[n_before:]  # one at most
            self.selector.add_minima(new, [landing.classification] * len(new))
            self.selector.record_hop(hop, course.targets_low_energy)
            self.restart_if_overvisited(course, landing.walker)
            self.selector.choose_hop(landing.walker, course)
            hops.append(hop)
            launches.append(self.request(landing.walker))
        return hops, launches

    def collect_ends(self, ended: Any) -> list[HopEnd]:
        """Hops that ended, classified, and identified where they are known."""
        positions, energies, fmax = (np.array(part, float) for part in (ended.positions, ended.energy, ended.fmax))
        positions -= positions.mean(axis=1, keepdims=True)
        met = {k: int(ended.recognised[k]) for k in np.flatnonzero(ended.recognised != NOT_RECOGNISED).tolist()}
        for k, known in met.items():  # the relaxation would have ended there
            minimum = self.history[known]
            positions[k], energies[k], fmax[k] = minimum.positions, minimum.energy, minimum.fmax
        failures = [
            EXPLODED if exploded else "" if k in met or status == Status.CONVERGED else STATUS_TEXT[Status(status)]
            for k, (exploded, status) in enumerate(zip(ended.exploded, ended.status.tolist(), strict=True))
        ]
        on_paths = [
            k
            for k, (walker, exploded) in enumerate(zip(ended.walker.tolist(), ended.exploded.tolist(), strict=True))
            if MOVES[self.walkers[walker].move].has_path and not exploded
        ]
        others = [k for k in range(len(positions)) if k not in met]
        classes = classify_batch(self.topology, np.concatenate([ended.escaped[on_paths], positions[others]]))
        escapes = dict(zip(on_paths, classes[: len(on_paths)], strict=True))
        found = {k: self.selector.classifications[known] for k, known in met.items()}
        found |= zip(others, classes[len(on_paths) :], strict=True)
        sought = [k for k in others if not failures[k]]
        kinds = [found[k].structure_class for k in sought]
        identified = self.history.identify_batch(energies[sought], positions[sought], kinds)
        ids = met | dict(zip(sought, identified, strict=True))
        return [
            HopEnd(
                walker=int(ended.walker[k]),
                positions=positions[k],
                energy=float(energies[k]),
                fmax=float(fmax[k]),
                highest_energy=float(ended.highest_energy[k]),
                n_evaluations=int(ended.n_ticks[k]),
                failure=failure,
                escape_classification=escapes.get(k),
                classification=found[k],
                known_id=ids.get(k),
                is_recognised=k in met,
            )
            for k, failure in enumerate(failures)
        ]

    def with_tight_relaxation(self, landings: Sequence[HopEnd], memory: Any) -> list[HopEnd]:
        """The landings, those that nobody has seen relaxed once more: in float64 and tightly.

        On a shelf a structure meets the thresholds of a search far above the minimum; what is stored is a minimum.
        What is known already needs no such care, so that the thresholds of all need not be as tight.
        """
        unseen = [k for k, landing in enumerate(landings) if not landing.failure and landing.known_id is None]
        if not unseen:
            return list(landings)
        starts = np.array([self.symmetry_broken(landings[k]) for k in unseen])
        result = self.relax_tightly(starts, jax.tree.map(lambda leaf: leaf[unseen], memory))
        self.n_evaluations += int(result.n_steps.sum())
        positions = np.asarray(result.positions, float)
        confirmed = list(landings)
        for row, (k, found) in enumerate(zip(unseen, classify_batch(self.topology, positions), strict=True)):
            status = Status(int(result.status[row]))
            confirmed[k] = replace(
                landings[k],
                positions=positions[row] - positions[row].mean(axis=0),
                energy=float(result.energy[row]),
                fmax=float(result.fmax[row]),
                n_evaluations=landings[k].n_evaluations + int(result.n_steps[row]),
                failure="" if status == Status.CONVERGED else UNCONFIRMED + STATUS_TEXT[status],
                classification=found,
            )
        return confirmed

    def with_uncertainty(self, landings: Sequence[HopEnd]) -> list[HopEnd]:
        """The landings, with how well the network knows those that are no minimum of the history."""
        doubted = list(landings)
        unseen = [k for k, one in enumerate(landings) if one.known_id is None and np.isfinite(one.positions).all()]
        if self.assess is not None and unseen:
            for k, doubt in zip(unseen, self.assess(np.array([landings[k].positions for k in unseen])), strict=True):
                doubted[k] = replace(landings[k], uncertainty=doubt)
        return doubted

    def symmetry_broken(self, landing: HopEnd) -> np.ndarray:
        """Positions to relax once more, Å, moved a little after a jump of a cluster: it may be a saddle by symmetry."""
        course = self.walkers[landing.walker]
        if len(self.molecule.bonds) or not MOVES[course.move].is_jump:
            return landing.positions
        rng = np.random.default_rng([self.settings.seed, landing.walker, course.hop, 3])
        return landing.positions + rng.uniform(-SYMMETRY_BREAKING, SYMMETRY_BREAKING, landing.positions.shape)

    def restart_if_overvisited(self, course: WalkerState, walker: int) -> None:
        """Move a walker from a minimum that was visited often to a rarely visited low one.

        The first hop from a minimum of a peptide ends somewhere new twice as often as the fifth.
        """
        hopping = self.settings.hopping
        if hopping.max_visits and self.history.visits[course.start] > hopping.max_visits:
            rng = np.random.default_rng([self.settings.seed, walker, course.hop])
            course.start = self.selector.low_minimum(rng)
