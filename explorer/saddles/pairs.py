"""Choice of the next attempts, for reasons that follow from the graph of minima and transition states."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import dijkstra

from explorer.records.run import RunRecord
from explorer.records.transition_states import AttemptKind, AttemptOutcome, PairReason

MAX_TRIES = 3  # attempts for one pair of minima
# The landscape of a cluster is taken as complete after so many random attempts for each minimum in a row that met no
# saddle for the first, second or third time: rare saddles that were met show that there may be others. Tried on LJ8.
QUIET_ATTEMPTS, _FEW_MEETINGS = 96, 3
_N_PARTNERS = 2  # nearest minima beyond a barrier that are tried as partners
_N_NEIGHBOURS = 6  # nearest minima of a minimum that are tried as partners
_JOINED = 1e-9  # length of an edge that a saddle joins; a length of 0 would mean no edge to scipy
# Force calls and new saddles with which the yield of a reason begins: those of one attempt. Not tuned.
_FIRST_CALLS, _FIRST_FOUND = 85.0, 1.0


class Plan(NamedTuple):
    """An attempt to make.

    Attributes:
        kind: How it starts.
        reason_for: Why it is made.
        start: Id of the first minimum.
        end: Id of the second minimum; None for an attempt from one minimum.
        try_number: Number among the attempts with the same kind, start and end, from 0.
    """

    kind: AttemptKind
    reason_for: PairReason
    start: int
    end: int | None
    try_number: int


class AttemptChooser:
    """Chooses attempts from what a run holds, so that an interrupted command goes on as if it had not been.

    Args:
        record: The run.
        ids: Minima to connect, in ascending energy.
        distances: How far the minima are from each other, in the order of the ids.
        single: Kind of the attempts from one minimum.
        n_single: Number of attempts from one minimum that are always made. For a cluster random ones follow, until
            many in a row have found nothing new.
        pairs_only: Pairs to try and no others, as ids; None for all reasons.
        rotors: Turns of methyl groups that were not tried yet.
    """

    def __init__(
        self,
        record: RunRecord,
        ids: Sequence[int],
        distances: Float[np.ndarray, "n n"],
        single: AttemptKind,
        n_single: int,
        pairs_only: Sequence[tuple[int, int]] | None = None,
        rotors: Sequence[Plan] = (),
    ):
        self._record, self._ids, self._distances = record, list(ids), distances
        self._place = {minimum: k for k, minimum in enumerate(self._ids)}
        self._single, self._n_single, self._pairs_only, self._rotors = single, n_single, pairs_only, rotors
        self._tries: Counter[tuple] = Counter()
        self._calls: defaultdict[PairReason, float] = defaultdict(float)
        self._found: Counter[PairReason] = Counter()
        for attempt in record.saddle_attempts:
            self._tries[_key(attempt.kind, attempt.start, attempt.end)] += 1
            self._calls[attempt.reason_for] += attempt.n_evaluations
            new = (AttemptOutcome.CONNECTED, AttemptOutcome.OTHER_MINIMA)
            self._found[attempt.reason_for] += attempt.outcome in new
        self.graph = saddle_graph(record)

    def choose(self, n: int) -> list[Plan]:
        """Return up to n attempts; none when nothing is left to try.

        Minima without a link come first. Where turns of methyl groups are asked for, they take half of what is left.
        The other reasons follow in the order of saddles found per force call.

        Args:
            n: Largest number of attempts.
        """
        if self._pairs_only is not None:
            return self._distinct(self._requested(), n)
        plans = self._distinct(self._missing(), n)
        plans += self._rotors[: (n - len(plans) + 1) // 2]
        candidates = {
            PairReason.LOWER: self._lower(),
            PairReason.UNSEEN: self._unseen(),
            PairReason.HOP: self._hops(),
            PairReason.NEIGHBOUR: self._neighbours(),
        }
        seen = {_key(plan.kind, plan.start, plan.end, plan.try_number) for plan in plans}
        while len(plans) < n and candidates:
            reason = max(candidates, key=self._yield)
            plan = next(candidates[reason], None)
            if plan is None:
                del candidates[reason]
                continue
            key = _key(plan.kind, plan.start, plan.end, plan.try_number)
            if key not in seen:
                seen.add(key)
                plans.append(plan)
                self._calls[reason] += _FIRST_CALLS  # so that one reason does not fill the round
        return plans

    def _yield(self, reason: PairReason) -> float:
        return (self._found[reason] + _FIRST_FOUND) / (self._calls[reason] + _FIRST_CALLS)

    def _distinct(self, plans: Iterator[Plan], n: int) -> list[Plan]:
        chosen: dict[tuple, Plan] = {}
        for plan in plans:
            if len(chosen) >= n:
                break
            chosen.setdefault(_key(plan.kind, plan.start, plan.end, plan.try_number), plan)
        return list(chosen.values())

    def _pair(self, a: int, b: int, reason: PairReason, max_tries: int = MAX_TRIES) -> Iterator[Plan]:
        tries = self._tries[_key(AttemptKind.PAIR, a, b)]
        if tries < max_tries:
            yield Plan(AttemptKind.PAIR, reason, a, b, tries)

    def _requested(self) -> Iterator[Plan]:
        for a, b in self._pairs_only or ():
            if nx.has_path(self.graph, a, b):
                continue
            for start, end in self._open_edges([(a, b)]):
                yield from self._pair(start, end, PairReason.REQUESTED)

    def _missing(self) -> Iterator[Plan]:
        """Yield the first open edge of a shortest path from each component to the lowest minimum, lowest first."""
        if not self._ids:
            return
        lowest, done = self._ids[0], set()
        linked = nx.node_connected_component(self.graph, lowest)
        wanted = []
        for minimum in self._ids:
            if minimum not in linked and minimum not in done:
                done |= nx.node_connected_component(self.graph, minimum)
                wanted.append((minimum, lowest))
        for start, end in self._open_edges(wanted):
            yield from self._pair(start, end, PairReason.MISSING)

    def _open_edges(self, wanted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield for each pair the first edge without a saddle of the shortest path between its minima.

        The length of an edge is the square of its distance, which prefers chains of short steps; that of a joined one
        is zero, and that of one that was tried too often infinite.
        """
        if not wanted:
            return
        lengths = self._distances**2 + _JOINED
        for a, b in self.graph.edges():
            if a in self._place and b in self._place and a != b:
                i, j = self._place[a], self._place[b]
                lengths[i, j] = lengths[j, i] = _JOINED
        for (kind, a, b), tries in self._tries.items():
            exhausted = kind == AttemptKind.PAIR and tries >= MAX_TRIES and a in self._place and b in self._place
            if exhausted and not self.graph.has_edge(a, b):
                i, j = self._place[a], self._place[b]
                lengths[i, j] = lengths[j, i] = np.inf
        goals = sorted({self._place[b] for _, b in wanted})
        total, before = dijkstra(lengths, directed=False, indices=goals, return_predecessors=True)
        for a, b in wanted:
            row, k = goals.index(self._place[b]), self._place[a]
            while np.isfinite(total[row, k]) and before[row, k] >= 0:
                following = int(before[row, k])
                if not nx.has_path(self.graph, self._ids[k], self._ids[following]):
                    yield self._ids[k], self._ids[following]
                    break
                k = following

    def _lower(self) -> Iterator[Plan]:
        """Yield minima that a high barrier holds although they lie high, with the nearest minimum beyond it."""
        if not self._ids:
            return
        lowest, energies = self._ids[0], {m.id: m.energy for m in self._record.minima}
        tree = nx.minimum_spanning_tree(nx.Graph(self._lowest_edges()), weight="energy")
        trapped = []
        for minimum in self._ids[1:]:
            if not (minimum in tree and lowest in tree and nx.has_path(tree, minimum, lowest)):
                continue
            path = nx.shortest_path(tree, minimum, lowest)
            top = max(tree.edges[edge]["energy"] for edge in nx.utils.pairwise(path))
            height, above = top - energies[minimum], max(energies[minimum] - energies[lowest], 1e-3)
            trapped.append((-height / above, minimum, top))
        for _, minimum, top in sorted(trapped):
            below = nx.Graph([edge for edge in tree.edges if tree.edges[edge]["energy"] < top])
            basin = nx.node_connected_component(below, lowest) if lowest in below else {lowest}
            for partner in self._nearest(minimum, basin)[:_N_PARTNERS]:
                yield from self._pair(minimum, partner, PairReason.LOWER)

    def _lowest_edges(self) -> nx.Graph:
        simple = nx.Graph()
        for a, b, values in self.graph.edges(data=True):
            if a != b and (not simple.has_edge(a, b) or values["energy"] < simple.edges[a, b]["energy"]):
                simple.add_edge(a, b, energy=values["energy"])
        return simple

    def _unseen(self) -> Iterator[Plan]:
        """Yield attempts from single minima, those with the fewest first, then the lowest."""
        counts = {m: self._tries[_key(self._single, m, None)] for m in self._ids}
        for level in range(self._n_single):
            for minimum in self._ids:
                if counts[minimum] <= level:
                    yield Plan(self._single, PairReason.UNSEEN, minimum, None, level)
        if self._single == AttemptKind.MODE:
            left = QUIET_ATTEMPTS * len(self._ids) - self._n_quiet()
            random = ((level, m) for level in count(self._n_single) for m in self._ids if counts[m] <= level)
            for level, minimum in islice(random, max(left, 0)):
                yield Plan(self._single, PairReason.UNSEEN, minimum, None, level)

    def _n_quiet(self) -> int:
        """Number of random attempts since one of them met a saddle that few had met before."""
        n, met = 0, Counter[int]()
        for attempt in self._record.saddle_attempts:
            if attempt.kind != self._single or attempt.try_number < self._n_single:
                continue
            n += 1
            if attempt.saddle is not None:
                n = 0 if met[attempt.saddle] < _FEW_MEETINGS else n
                met[attempt.saddle] += 1
        return n

    def _hops(self) -> Iterator[Plan]:
        pairs = {tuple(sorted((hop.start, hop.end))) for hop in self._record.hops if hop.end is not None}
        known = [(a, b) for a, b in pairs if a in self._place and b in self._place and a != b]
        for a, b in sorted(known, key=lambda pair: (max(self._place[m] for m in pair), pair)):
            yield from self._pair(a, b, PairReason.HOP, 1)

    def _neighbours(self) -> Iterator[Plan]:
        """Yield minima that are near each other, the nearest of all first, then new tries of those without a saddle."""
        apart = self._distances + np.diag(np.full(len(self._ids), np.inf))
        nearest = np.argsort(apart, axis=1, kind="stable")[:, : min(_N_NEIGHBOURS, len(self._ids) - 1)]
        for tries in range(1, MAX_TRIES + 1):
            for partners in nearest.T:
                for minimum, partner in zip(self._ids, (self._ids[k] for k in partners), strict=True):
                    if tries == 1 or not self.graph.has_edge(minimum, partner):
                        yield from self._pair(minimum, partner, PairReason.NEIGHBOUR, tries)

    def _nearest(self, minimum: int, among: set[int]) -> list[int]:
        row = self._distances[self._place[minimum]]
        others = [m for m in among if m in self._place and m != minimum]
        return sorted(others, key=lambda m: (row[self._place[m]], m))


def saddle_graph(record: RunRecord) -> nx.MultiGraph:
    """Return the graph of all minima with an edge for each transition state between two of them.

    Args:
        record: The run.
    """
    graph = nx.MultiGraph()
    graph.add_nodes_from(minimum.id for minimum in record.minima)
    graph.add_edges_from((*s.minima, {"energy": s.energy}) for s in record.transition_states if not s.is_degenerate)
    return graph


def _key(kind: AttemptKind, start: int, end: int | None, *more: int) -> tuple:
    return (kind, start, end, *more) if end is None else (kind, min(start, end), max(start, end), *more)
