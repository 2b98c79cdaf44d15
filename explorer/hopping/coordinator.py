"""Coordinator: host side of a search, which directs the walkers and processes the ends of their hops."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.hopping.input_minimum import Assess, first_minimum
from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records.hop import Hop, Outcome
from explorer.records.molecule import Molecule
from explorer.records.moves import MOVES
from explorer.relaxation.relaxer import STATUS_TEXT, Status
from explorer.relaxation.tight import TightRelaxer
from explorer.strategy.history import History
from explorer.strategy.hop_request import HopRequest
from explorer.strategy.outcomes import HopEnd, WalkerState, conclude_hop
from explorer.strategy.selector import MoveSelector
from explorer.topology.classify import Classification, classify_batch
from explorer.topology.distortion import bond_lengths

EXPLODED = "energies of the dynamics were not finite (walker too hot, time step too long, or a failed calculation)"
NOT_CONFIRMED = "not confirmed by a tight relaxation in float64: "
SYMMETRY_BREAKING = 0.02  # Å, largest displacement of a coordinate; not tuned


class Coordinator:
    """Host side of a search: keeps the state of each walker, concludes hops that ended and chooses the next ones.

    Args:
        potential: Potential to evaluate, in float64 for the tight relaxation of minima.
        molecule: Molecule with the structure where the search starts.
        settings: Settings of the run.
        history: History of the search; empty, or with the minima of the run to continue.
        assess: Function that assesses structures; None without one.

    Attributes:
        relax_tightly: Tight relaxation in float64.
        walkers: State of each walker.
        selector: Choice of the next hops.
        n_evaluations: Force calls of the run so far.
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
        """Relax the input to the first minimum, from which all walkers start.

        Returns:
            The record of this relaxation, as a hop of walker -1.

        Raises:
            MoleculeRearranged: When it relaxes to a structure that walkers may not explore.
            InputError: When it does not relax, or relaxes to where the model does not know the surface.
        """
        first, classification = first_minimum(
            self.molecule, self.topology, self.settings, self.relax_tightly, self.assess
        )
        self.n_evaluations += first.n_evaluations
        self.history.add(first)
        self.selector.add_minima(self.history.minima, [classification])
        return Hop(
            walker=-1,
            index=0,
            round=0,
            start=-1,
            end=0,
            outcome=Outcome.NEW,
            reason=classification.reason,
            accepted=True,
            temperature=0.0,
            ediff=0.0,
            highest_energy=first.energy,
            n_evaluations=first.n_evaluations,
            uncertainty=first.uncertainty,
        )

    def start_walkers(self) -> None:
        """Set all walkers to the first minimum, with geometrically spaced temperatures."""
        hopping = self.settings.hopping
        ladder = np.geomspace(1, hopping.temperature_ladder, hopping.n_walkers) * hopping.temperature
        self.walkers = [
            WalkerState(start=0, temperature=min(float(t), hopping.temperature_max), ediff=hopping.ediff, hop=0)
            for t in ladder
        ]
        self.selector.set_jump_targets(np.full((hopping.n_walkers, self.molecule.n_atoms, 3), np.nan))
        for walker, walker_state in enumerate(self.walkers):
            self.selector.choose_hop(walker, walker_state)

    def request(self, walker: int) -> HopRequest:
        """Return the current hop of a walker."""
        return self.selector.request(walker, self.walkers[walker])

    def conclude_hops(self, ended: Any, memory: Any, round_index: int) -> tuple[list[Hop], list[HopRequest]]:
        """Conclude hops in the order of their walkers, and choose the next hop of each of these walkers.

        Args:
            ended: `HopResult` as arrays of numpy with a leading axis.
            memory: Curvature that the relaxation of each hop learned.
            round_index: Round in which they ended.

        Returns:
            The records of the hops, and the requests for the next ones.
        """
        hops, requests = [], []
        for hop_end in self.with_assessment(self.with_tight_relaxation(self.collect_ends(ended), memory)):
            walker_state, n_before = self.walkers[hop_end.walker], len(self.history)
            start_torsions = self.selector.jump_torsions_of(hop_end.walker, walker_state)
            hop = conclude_hop(
                hop_end,
                walker_state,
                self.history,
                self.settings.hopping,
                self.n_evaluations,
                round_index,
                start_torsions,
            )
            new = self.history.minima[n_before:]  # one at most
            self.selector.add_minima(new, [hop_end.classification] * len(new))
            self.selector.record_hop(hop, walker_state.targets_low_energy)
            self.restart_if_overvisited(walker_state, hop_end.walker)
            self.selector.choose_hop(hop_end.walker, walker_state)
            hops.append(hop)
            requests.append(self.request(hop_end.walker))
        return hops, requests

    def collect_ends(self, ended: Any) -> list[HopEnd]:
        """Classify the structures where hops ended, and identify those that are known minima.

        Args:
            ended: `HopResult` as arrays of numpy with a leading axis.
        """
        positions, energies, fmax = (np.array(part, float) for part in (ended.positions, ended.energy, ended.fmax))
        positions -= positions.mean(axis=1, keepdims=True)
        recognised = {k: int(ended.recognised[k]) for k in np.flatnonzero(ended.recognised != NOT_RECOGNISED).tolist()}
        for k, minimum_id in recognised.items():  # the relaxation would have ended there
            minimum = self.history[minimum_id]
            positions[k], energies[k], fmax[k] = minimum.positions, minimum.energy, minimum.fmax
        statuses = zip(ended.exploded.tolist(), ended.status.tolist(), strict=True)
        failures = [
            self._failure(exploded, status, k in recognised, ended.positions[k])
            for k, (exploded, status) in enumerate(statuses)
        ]
        escapes, classifications = self._classify_ends(ended, positions, recognised)
        converged = [k for k in range(len(positions)) if k not in recognised and not failures[k]]
        structure_classes = [classifications[k].structure_class for k in converged]
        identified = self.history.identify_batch(energies[converged], positions[converged], structure_classes)
        ids = recognised | dict(zip(converged, identified, strict=True))
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
                classification=classifications[k],
                known_id=ids.get(k),
                is_recognised=k in recognised,
            )
            for k, failure in enumerate(failures)
        ]

    def _classify_ends(
        self, ended: Any, positions: Float[np.ndarray, "n N 3"], recognised: dict[int, int]
    ) -> tuple[dict[int, Classification], dict[int, Classification]]:
        """Return classifications by index: of the structures where dynamics ended, and of the final structures."""
        on_paths = [
            k
            for k, (walker, exploded) in enumerate(zip(ended.walker.tolist(), ended.exploded.tolist(), strict=True))
            if MOVES[self.walkers[walker].move].has_path and not exploded
        ]
        others = [k for k in range(len(positions)) if k not in recognised]
        # one call for both, since most of its time is the same for few and for many structures
        classes = classify_batch(self.topology, np.concatenate([ended.escaped[on_paths], positions[others]]))
        escapes = dict(zip(on_paths, classes[: len(on_paths)], strict=True))
        final = {k: self.selector.classifications[minimum_id] for k, minimum_id in recognised.items()}
        return escapes, final | dict(zip(others, classes[len(on_paths) :], strict=True))

    def with_tight_relaxation(self, hop_ends: Sequence[HopEnd], memory: Any) -> list[HopEnd]:
        """Relax structures that are not known once more, tightly and in float64.

        A plateau with small forces can meet the thresholds of the search far above the minimum, so what is stored is
        relaxed tightly. Known minima need no second relaxation, so the thresholds of all hops can stay loose.

        Args:
            hop_ends: Ends of hops.
            memory: Curvature that the relaxation of each learned; a pytree with a leading axis.

        Returns:
            The ends of the hops, with the results of the tight relaxation where there was one.
        """
        unseen = [k for k, hop_end in enumerate(hop_ends) if not hop_end.failure and hop_end.known_id is None]
        if not unseen:
            return list(hop_ends)
        starts = np.array([self.symmetry_broken(hop_ends[k]) for k in unseen])
        result = self.relax_tightly(starts, jax.tree.map(lambda leaf: leaf[unseen], memory))
        self.n_evaluations += int(result.n_steps.sum())
        positions = np.asarray(result.positions, float)
        relaxed = list(hop_ends)
        for i, (k, classification) in enumerate(zip(unseen, classify_batch(self.topology, positions), strict=True)):
            failure = self._failure(False, int(result.status[i]), False, positions[i])
            relaxed[k] = replace(
                hop_ends[k],
                positions=positions[i] - positions[i].mean(axis=0),
                energy=float(result.energy[i]),
                fmax=float(result.fmax[i]),
                n_evaluations=hop_ends[k].n_evaluations + int(result.n_steps[i]),
                failure=NOT_CONFIRMED + failure if failure else "",
                classification=classification,
            )
        return relaxed

    def with_assessment(self, hop_ends: Sequence[HopEnd]) -> list[HopEnd]:
        """Estimate the uncertainty at structures that are not known minima, and whether they are results.

        Args:
            hop_ends: Ends of hops.

        Returns:
            The ends of the hops, with uncertainty and exclusion where they were assessed.
        """
        assessed = list(hop_ends)
        unseen = [k for k, end in enumerate(hop_ends) if end.known_id is None and np.isfinite(end.positions).all()]
        if self.assess is not None and unseen:
            structures = np.array([hop_ends[k].positions for k in unseen])
            energies = np.array([hop_ends[k].energy for k in unseen])
            ordinary = bond_lengths(self.topology.bonds, self.history[0].positions)
            results = self.assess(structures, energies, ordinary)
            for k, (uncertainty, exclusion) in zip(unseen, results, strict=True):
                assessed[k] = replace(hop_ends[k], uncertainty=uncertainty, exclusion=exclusion)
        return assessed

    def symmetry_broken(self, hop_end: HopEnd) -> Float[np.ndarray, "N 3"]:
        """Return the positions to relax tightly, Å, displaced a little after a jump of a cluster.

        A relaxation keeps the symmetry of its start, so that a symmetric start may end at a saddle.
        """
        walker_state = self.walkers[hop_end.walker]
        if len(self.molecule.bonds) or not MOVES[walker_state.move].is_jump:
            return hop_end.positions
        rng = np.random.default_rng([self.settings.seed, hop_end.walker, walker_state.hop, 3])
        return hop_end.positions + rng.uniform(-SYMMETRY_BREAKING, SYMMETRY_BREAKING, hop_end.positions.shape)

    def restart_if_overvisited(self, walker_state: WalkerState, walker: int) -> None:
        """Move a walker from a minimum that was visited too often to a low and rarely visited one.

        The first hop from a minimum of a peptide ends in a new minimum twice as often as the fifth.
        """
        hopping = self.settings.hopping
        if hopping.max_visits and self.history.visits[walker_state.start] > hopping.max_visits:
            rng = np.random.default_rng([self.settings.seed, walker, walker_state.hop])
            walker_state.start = self.selector.low_minimum(rng)

    def _failure(self, exploded: bool, status: int, is_recognised: bool, at: Float[np.ndarray, "N 3"]) -> str:
        """Return why a hop failed, with the reason of the potential if it has one; empty where the hop did not fail."""
        if not exploded and (is_recognised or status == Status.CONVERGED):
            return ""
        failure = EXPLODED if exploded else STATUS_TEXT[Status(status)]
        if not exploded and status == Status.NOT_CONVERGED:  # all energies were finite, or a step back made them so
            return failure
        reason = self.relax_tightly.potential.reason_of_failure(at)
        return f"{failure}: {reason}" if reason else failure
