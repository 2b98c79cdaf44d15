"""Changes of internal coordinates from one minimum to another: how bonds turn, and which equal atoms match."""

from collections import defaultdict
from itertools import product

import networkx as nx
import numpy as np
from ase.data import vdw_radii
from jaxtyping import Float, Int

from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import Coordinates, internal_coordinates
from explorer.relaxation.wilson import internal_difference, internal_values
from explorer.similarity.symmetry import Symmetry

_MAX_SENSES = 4  # bonds of which both senses are tried; 16 candidates
_LONG_TURN = np.pi / 2  # rad; a bond that turns further is tried in both senses
_LENGTH_WEIGHT = 0.1  # of the length of the path in the metric of the model Hessian, eV^(1/2); not tuned
_CONTACT, _HYDROGEN_BOND = 0.8, 0.65  # share of the sum of van der Waals radii at which atoms clash
_MAX_SWEEPS = 5  # over the groups of equal atoms; two are enough for methyls; not tuned


class TurnPlanner:
    """Plans paths between conformers of one molecule in internal coordinates.

    The differences of all dihedrals about one bond share one turn, the circular mean. Wrapped one by one they could
    disagree near 180 degrees, which would tear the atoms apart. Methyls do not turn: the saddle of such a turn leads
    from a minimum to itself, and would be found instead of the one between two similar minima.

    Args:
        molecule: Molecule with bonds.
        symmetry: Its symmetry.
    """

    def __init__(self, molecule: Molecule, symmetry: Symmetry):
        self.coordinates: Coordinates = internal_coordinates(molecule)
        self._symmetry = symmetry
        groups = _dihedrals_by_bond(self.coordinates, molecule)
        hydrogens = set(np.flatnonzero(symmetry.in_methyl).tolist())
        centres = {i for bond in molecule.bonds.tolist() for i, h in (bond, bond[::-1]) if h in hydrogens}
        self._groups = list(groups.values())
        self._turns = [not centres & bond for bond in groups]
        self._far, self._contacts = _contacts(molecule)

    def renumbered(self, start: Float[np.ndarray, "N 3"], end: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """Exchange equal atoms of the second structure so that the internal coordinates are nearest.

        Only exchanges that motion can realise are considered, group by group.

        Args:
            start: Positions of the first structure, Å.
            end: Positions of the second one, Å.
        """
        values = internal_values(self.coordinates, start)
        best, cost = end, self._cost(values, end)
        candidates = [end[row] for row in self._symmetry.starts]
        for candidate in candidates:
            found, found_cost = self._with_local_exchanges(values, candidate)
            if found_cost < cost - 1e-9:
                best, cost = found, found_cost
        return best

    def changes(self, start: Float[np.ndarray, "N 3"], end: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "n M"]:
        """Return the candidates for the change of all internal coordinates, with long turns in both senses.

        Args:
            start: Positions of the first structure, Å.
            end: Positions of the second one, Å, with matching numbers of equal atoms.
        """
        change, turns = self._change(internal_values(self.coordinates, start), end)
        long = sorted((g for g in turns if abs(turns[g]) > _LONG_TURN), key=lambda g: -abs(turns[g]))[:_MAX_SENSES]
        rows = []
        for reversed_groups in product((False, True), repeat=len(long)):
            row = change.copy()
            for group, is_reversed in zip(long, reversed_groups, strict=True):
                if is_reversed:
                    row[self._groups[group]] -= 2 * np.pi * np.sign(turns[group])
            rows.append(row)
        return np.array(rows)

    def effort(self, images: Float[np.ndarray, "n K N 3"], changes: Float[np.ndarray, "n M"]) -> Float[np.ndarray, "n"]:
        """Return a measure of how bad each path is, from clashes on a log scale and its length.

        Args:
            images: Structures along each path, Å.
            changes: Change of all internal coordinates along each path.
        """
        first, second = self._far
        distances = np.linalg.norm(images[..., first, :] - images[..., second, :], axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            clashes = ((self._contacts / distances) ** 12).sum(axis=(1, 2))
        length = np.sqrt((self.coordinates.stiffness * changes**2).sum(axis=1))
        effort = np.log1p(clashes) + _LENGTH_WEIGHT * length
        return np.where(np.isfinite(effort), effort, np.inf)

    def _change(
        self, values: Float[np.ndarray, "M"], end: Float[np.ndarray, "N 3"]
    ) -> tuple[Float[np.ndarray, "M"], dict[int, float]]:
        """The change of all coordinates, and the turn of each bond, rad."""
        change = internal_difference(self.coordinates, internal_values(self.coordinates, end), values)
        turns = {}
        for number, group in enumerate(self._groups):
            mean = float(np.angle(np.exp(1j * change[group]).mean()))
            off = change[group] - mean
            change[group] = mean + off - 2 * np.pi * np.round(off / (2 * np.pi))
            if not self._turns[number]:
                change[group] -= mean
            turns[number] = mean if self._turns[number] else 0.0
        return change, turns

    def _cost(self, values: Float[np.ndarray, "M"], end: Float[np.ndarray, "N 3"]) -> float:
        change, _ = self._change(values, end)
        return float((self.coordinates.stiffness * change**2).sum())

    def _with_local_exchanges(
        self, values: Float[np.ndarray, "M"], end: Float[np.ndarray, "N 3"]
    ) -> tuple[Float[np.ndarray, "N 3"], float]:
        """Choose the exchange of each local group in turn, until nothing changes."""
        cost = self._cost(values, end)
        for _ in range(_MAX_SWEEPS):
            before = cost
            for factor in self._symmetry.local_factors:
                options = [end[row] for row in factor.on_all_atoms(len(end))]
                costs = [self._cost(values, option) for option in options]
                best = int(np.argmin(costs))
                end, cost = options[best], costs[best]
            if cost >= before - 1e-9:
                break
        return end, cost


def _dihedrals_by_bond(coordinates: Coordinates, molecule: Molecule) -> dict[frozenset[int], Int[np.ndarray, "n"]]:
    """Indices of the coordinates that are proper dihedrals about each bond."""
    bonds = {frozenset(bond) for bond in molecule.bonds.tolist()}
    first = len(coordinates.stiffness) - coordinates.n_dihedrals
    groups = defaultdict(list)
    for k, (i, j, m, n) in enumerate(coordinates.dihedrals.tolist()):
        # an out-of-plane dihedral begins at a centre that all of the others are bound to
        is_out_of_plane = all(frozenset((i, other)) in bonds for other in (j, m, n))
        if not is_out_of_plane:
            groups[frozenset((j, m))].append(first + k)
    return {bond: np.array(group) for bond, group in groups.items()}


def _contacts(molecule: Molecule) -> tuple[tuple[Int[np.ndarray, "p"], Int[np.ndarray, "p"]], Float[np.ndarray, "p"]]:
    """Pairs of atoms that are more than three bonds apart, and the distance at which each pair clashes, Å."""
    graph = nx.empty_graph(molecule.n_atoms)
    graph.add_edges_from(molecule.bonds.tolist())
    near = dict(nx.all_pairs_shortest_path_length(graph, cutoff=3))
    pairs = [(i, j) for i in graph for j in range(i) if j not in near[i]]
    first, second = np.array(pairs, int).reshape(-1, 2).T
    numbers = np.asarray(molecule.atomic_numbers)
    polar = np.zeros(molecule.n_atoms, bool)
    for i, j in [*molecule.bonds.tolist(), *molecule.bonds[:, ::-1].tolist()]:
        polar[i] |= numbers[i] == 1 and numbers[j] in (7, 8)
    is_bond = (polar[first] & (numbers[second] == 8)) | (polar[second] & (numbers[first] == 8))
    radii = np.nan_to_num(vdw_radii, nan=2.0)[numbers]
    return (first, second), np.where(is_bond, _HYDROGEN_BOND, _CONTACT) * (radii[first] + radii[second])
