"""Energies of relaxed molecules from sums over their groups, and the floor below which a network has found a hole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int

from explorer.topology.environments import local_environments

# Energy per atom below the sum of the groups at which no minimum of a molecule lies, eV. The lowest frames of the 356
# training molecules of `peptides` scatter by 0.01 eV per atom about their sums; holes of GGF lie 0.1 below and more.
MIN_MARGIN = 0.05
MARGIN_IN_SPREADS = 5.0  # the margin is this many robust standard deviations, if that is larger; not tuned
CHARGES = ("cations", "anions", "opposite charges", "like charges")  # counted beside the groups
_MIN_SINGULAR_VALUE = 1e-3  # of the counts, relative to the largest; smaller ones do not determine a contribution
_MAX_OUTSIDE = 1e-6  # share of the squared counts outside of what the training data determine


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupAdditivity:
    """Sums of contributions of local environments, fitted to the lowest energy of each training molecule.

    E_floor = Σ_g n_g c_g - N margin

    Attributes:
        groups: Heavy atoms by their neighbours, charges and pairs of charges.
        contributions: c_g of each group, eV.
        span: Orthonormal rows: the combinations of counts n_g that the training molecules determine.
        margin: eV per atom.
        largest: Largest number of charges and pairs of charges in a training molecule. There is no floor beyond it, as
            charges far apart contribute less than those of a small molecule.

    Source: Benson & Buss, J. Chem. Phys. 29, 546 (1958), doi:10.1063/1.1744539.
    """

    groups: tuple[str, ...]
    contributions: Float[np.ndarray, "G"]
    span: Float[np.ndarray, "r G"]
    margin: float
    largest: dict[str, int]

    @classmethod
    def fit(
        cls, counts: Sequence[Counter[str]], energies: Float[np.ndarray, "M"], n_atoms: Float[np.ndarray, "M"]
    ) -> Self:
        """Fit the contributions by least squares.

        Args:
            counts: Groups of each molecule, from `count_groups`.
            energies: Lowest energy of each molecule, eV.
            n_atoms: Number of atoms of each molecule.
        """
        groups = tuple(sorted(set().union(*counts)))
        table = np.array([[one[group] for group in groups] for one in counts], float)
        left, values, span = np.linalg.svd(table, full_matrices=False)
        kept = values > _MIN_SINGULAR_VALUE * values[0]
        span = span[kept]
        contributions = span.T @ ((left[:, kept].T @ energies) / values[kept])
        deviations = np.abs(energies - table @ contributions) / n_atoms
        spread = 1.4826 * float(np.median(deviations))  # standard deviation of a normal distribution
        margin = max(MIN_MARGIN, MARGIN_IN_SPREADS * spread)
        largest = {name: max(one[name] for one in counts) for name in CHARGES}
        return cls(groups=groups, contributions=contributions, span=span, margin=margin, largest=largest)

    def floor(self, counts: Counter[str], n_atoms: int) -> float:
        """Return the energy below which a minimum is a hole, eV; -inf where the training data do not determine it.

        Args:
            counts: Groups of the molecule, from `count_groups`.
            n_atoms: Number of its atoms.
        """
        if not set(counts) <= set(self.groups) or any(counts[name] > self.largest[name] for name in CHARGES):
            return -np.inf
        vector = np.array([counts[group] for group in self.groups], float)
        outside = vector - self.span.T @ (self.span @ vector)
        if outside @ outside > _MAX_OUTSIDE * (vector @ vector):
            return -np.inf
        return float(vector @ self.contributions) - self.margin * n_atoms

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `domain.json`."""
        return {
            "contributions": dict(zip(self.groups, self.contributions.tolist(), strict=True)),
            "span": self.span.tolist(),
            "margin": self.margin,
            "largest": self.largest,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return what `as_json` returned."""
        contributions = values["contributions"]
        return cls(
            groups=tuple(contributions),
            contributions=np.array(list(contributions.values()), float),
            span=np.array(values["span"], float).reshape(-1, len(contributions)),
            margin=float(values["margin"]),
            largest={name: int(values["largest"][name]) for name in CHARGES},
        )


def count_groups(
    atomic_numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"], charges: Int[np.ndarray, "N"]
) -> Counter[str]:
    """Count the heavy atoms of a molecule by bonded neighbours, which determine the hydrogens, and its charges.

    The place of a charge within a carboxylate or an imidazolium does not matter.

    Args:
        atomic_numbers: Atomic number of each atom.
        bonds: Index pairs.
        charges: Formal charge of each atom, e.
    """
    environments = local_environments(atomic_numbers, bonds, np.zeros_like(charges))
    counts = Counter(one for one in environments if one.split(" ")[0] != "H")
    cations, anions = int((charges > 0).sum()), int((charges < 0).sum())
    n_like = (cations * (cations - 1) + anions * (anions - 1)) // 2
    counts.update(dict(zip(CHARGES, (cations, anions, cations * anions, n_like), strict=True)))
    return +counts
