"""Starts of refinements for planned attempts: the highest image of a path, or a displaced minimum or saddle."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.transition_states import AttemptKind, TransitionState
from explorer.saddles.climb import Climber, Displacement
from explorer.saddles.pairs import Plan
from explorer.saddles.path import N_IMAGES, PathImages, cartesian_path, internal_paths
from explorer.saddles.refine_state import SaddleStart
from explorer.saddles.turns import TurnPlanner
from explorer.similarity.cluster import nearest_numbering
from explorer.similarity.symmetry import Symmetry

CLASH_ENERGY = 0.7  # eV above the higher minimum, beyond which a structure is a clash that must fall first

Energies = Float[np.ndarray, "n"]
Forces = Float[np.ndarray, "n N 3"]
EvaluateStructures = Callable[[Float[np.ndarray, "n N 3"]], tuple[Energies, Forces]]


class RefinementStarts(NamedTuple):
    """Starts of refinements.

    Attributes:
        starts: One start for each plan.
        n_evaluations: Force calls that each of them took.
    """

    starts: SaddleStart
    n_evaluations: list[int]


class StartMaker:
    """Makes starts of refinements.

    Args:
        molecule: The molecule.
        symmetry: Its symmetry.
        climber: Starts from one minimum.
        modes_of: Function of a minimum that returns its orthonormal modes in ascending order of their curvature; used
            for clusters only.
    """

    def __init__(
        self,
        molecule: Molecule,
        symmetry: Symmetry,
        climber: Climber,
        modes_of: Callable[[Minimum], Float[np.ndarray, "n N 3"]],
    ):
        self._symmetry, self._climber, self._modes_of = symmetry, climber, modes_of
        self._planner = TurnPlanner(molecule, symmetry) if len(molecule.bonds) else None

    def starts(
        self,
        plans: Sequence[Plan],
        minima: Sequence[Minimum],
        evaluate: EvaluateStructures,
        saddles: Sequence[TransitionState] = (),
    ) -> RefinementStarts:
        """Return a start for each plan.

        Args:
            plans: Planned attempts.
            minima: Minima of the run in order of id.
            evaluate: Energies (eV) and forces (eV/Å) of structures (Å).
            saddles: Saddles of the run; some attempts begin beside one of them.
        """
        paths = self._paths(plans, minima)
        lone = [k for k, plan in enumerate(plans) if plan.kind != AttemptKind.PAIR]
        between = saddles_by_pair(saddles)
        origins = {k: self._origin(plans[k], minima, between) for k in lone}
        single = {k: self._displaced(plans[k], origins[k], saddles) for k in lone}
        calls = [N_IMAGES if k in paths else 1 for k in range(len(plans))]
        structures = [*(image for path, _ in paths.values() for image in path.images)]
        structures += [one.positions for one in single.values()]
        energies, forces = evaluate(np.array(structures))
        rows, first = {}, 0
        for k, (path, rank) in paths.items():
            order = np.argsort(-np.nan_to_num(energies[first : first + N_IMAGES], nan=-np.inf), kind="stable")
            best = first + int(order[rank % N_IMAGES])
            plan = plans[k]
            top = max(minima[plan.start].energy, minima[plan.end or 0].energy)
            rows[k] = structures[best], energies[best], forces[best], path.tangents[best - first], top + CLASH_ENERGY
            first += N_IMAGES
        for k, one in single.items():
            # the search of a cluster begins with a real Hessian, which knows what a clash is
            ceiling = np.inf if plans[k].kind == AttemptKind.MODE else origins[k].energy + CLASH_ENERGY
            rows[k] = one.positions, energies[first], forces[first], one.direction, ceiling
            first += 1
        columns = (np.array(column) for column in zip(*(rows[k] for k in range(len(plans))), strict=True))
        return RefinementStarts(SaddleStart(*columns), calls)

    def _origin(
        self, plan: Plan, minima: Sequence[Minimum], between: Mapping[tuple[int, int], Sequence[TransitionState]]
    ) -> Minimum | TransitionState:
        """Return the minimum or saddle that is displaced."""
        if plan.kind != AttemptKind.SADDLE_ROTOR or plan.end is None:
            return minima[plan.start]
        return between[plan.start, plan.end][plan.try_number // self._climber.n_methyls]

    def _displaced(
        self, plan: Plan, origin: Minimum | TransitionState, saddles: Sequence[TransitionState]
    ) -> Displacement:
        if isinstance(origin, TransitionState):
            turned = self._climber.methyl_turned(origin.positions, plan.try_number % self._climber.n_methyls)
            return turned._replace(direction=origin.direction)
        if plan.kind == AttemptKind.ROTOR:
            return self._climber.methyl_turned(origin.positions, plan.try_number)
        if plan.kind == AttemptKind.TORSION:
            return self._climber.turned(origin.positions, plan.try_number)
        return self._climber.displaced(origin, self._modes_of(origin), plan.try_number, saddles)

    def _paths(self, plans: Sequence[Plan], minima: Sequence[Minimum]) -> dict[int, tuple[PathImages, int]]:
        """The path of each pair of minima, and which of its images is the start, from the highest one, 0."""
        pairs = [
            (k, plan.start, plan.end, plan.try_number)
            for k, plan in enumerate(plans)
            if plan.kind == AttemptKind.PAIR and plan.end is not None
        ]
        ends = [(minima[a].positions, minima[b].positions) for _, a, b, _ in pairs]
        if not pairs:
            return {}
        if self._planner is None:
            straight = (cartesian_path(a, nearest_numbering(self._symmetry.orbits, a, b)) for a, b in ends)
            return {k: (path, number) for (k, *_, number), path in zip(pairs, straight, strict=True)}
        return self._internal_paths(self._planner, [(k, number) for k, _, _, number in pairs], ends)

    def _internal_paths(
        self,
        planner: TurnPlanner,
        pairs: Sequence[tuple[int, int]],
        ends: Sequence[tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "N 3"]]],
    ) -> dict[int, tuple[PathImages, int]]:
        """The k-th try of a pair takes the k-th best senses of turning; after the last one, the next highest image."""
        changes = [planner.changes(a, planner.renumbered(a, b)) for a, b in ends]
        owner = np.repeat(np.arange(len(ends)), [len(rows) for rows in changes])
        joined = np.concatenate(changes)
        paths = internal_paths(planner.coordinates, np.array([ends[k][0] for k in owner.tolist()]), joined)
        efforts = planner.effort(np.asarray(paths.images), joined)
        chosen = {}
        for number, (k, try_number) in enumerate(pairs):
            candidates = np.flatnonzero(owner == number)
            ranked = candidates[np.argsort(efforts[candidates], kind="stable")]
            best = int(ranked[try_number % len(ranked)])
            chosen[k] = PathImages(paths.images[best], paths.tangents[best]), try_number // len(ranked)
        return chosen


def saddles_by_pair(saddles: Sequence[TransitionState]) -> dict[tuple[int, int], list[TransitionState]]:
    """Return the saddles between each pair of different minima, in order of their ids.

    Args:
        saddles: Saddles of a run.
    """
    pairs: defaultdict[tuple[int, int], list[TransitionState]] = defaultdict(list)
    for saddle in sorted(saddles, key=lambda s: s.id):
        if not saddle.is_degenerate:
            pairs[min(saddle.minima), max(saddle.minima)].append(saddle)
    return pairs
