"""Energies of relaxed molecules from sums over their groups, and the floor below which a network has found a hole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Float

# Energy per atom below the sum of the groups at which no minimum of a molecule lies, eV. The lowest frames of the 356
# training molecules of `peptides` scatter by 0.01 eV per atom about their sums; holes of GGF lie 0.1 below and more.
MIN_MARGIN = 0.05
MARGIN_IN_SPREADS = 5.0  # the margin is this many robust standard deviations, if that is larger; not tuned
_MIN_SINGULAR_VALUE = 1e-3  # of the counts, relative to the largest; smaller ones do not determine a contribution
_MAX_OUTSIDE = 1e-6  # share of the squared counts outside of what the training data determine


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupAdditivity:
    """Sums of contributions of local environments, fitted to the lowest energy of each training molecule.

    E_floor = Σ_g n_g c_g - N margin

    Attributes:
        groups: Local environments of heavy atoms, and the pairs of charges.
        contributions: c_g of each group, eV.
        span: Orthonormal rows: the combinations of counts n_g that the training molecules determine.
        margin: eV per atom.

    Source: Benson & Buss, J. Chem. Phys. 29, 546 (1958), doi:10.1063/1.1744539.
    """

    groups: tuple[str, ...]
    contributions: Float[np.ndarray, "G"]
    span: Float[np.ndarray, "r G"]
    margin: float

    @classmethod
    def fit(
        cls, environments: Sequence[Sequence[str]], energies: Float[np.ndarray, "M"], n_atoms: Float[np.ndarray, "M"]
    ) -> Self:
        """Fit the contributions by least squares.

        Args:
            environments: Environments of the atoms of each molecule.
            energies: Lowest energy of each molecule, eV.
            n_atoms: Number of atoms of each molecule.
        """
        counts = [_counts(one) for one in environments]
        groups = tuple(sorted(set().union(*counts)))
        table = np.array([[one[group] for group in groups] for one in counts], float)
        left, values, span = np.linalg.svd(table, full_matrices=False)
        kept = values > _MIN_SINGULAR_VALUE * values[0]
        span = span[kept]
        contributions = span.T @ ((left[:, kept].T @ energies) / values[kept])
        deviations = np.abs(energies - table @ contributions) / n_atoms
        spread = 1.4826 * float(np.median(deviations))  # standard deviation of a normal distribution
        margin = max(MIN_MARGIN, MARGIN_IN_SPREADS * spread)
        return cls(groups=groups, contributions=contributions, span=span, margin=margin)

    def floor(self, environments: Sequence[str]) -> float:
        """Return the energy below which a minimum is a hole, eV; -inf where the training data do not determine it.

        Args:
            environments: Environment of each atom.
        """
        counts = _counts(environments)
        if not set(counts) <= set(self.groups):
            return -np.inf
        vector = np.array([counts[group] for group in self.groups], float)
        outside = vector - self.span.T @ (self.span @ vector)
        if outside @ outside > _MAX_OUTSIDE * (vector @ vector):
            return -np.inf
        return float(vector @ self.contributions) - self.margin * len(environments)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `domain.json`."""
        return {
            "contributions": dict(zip(self.groups, self.contributions.tolist(), strict=True)),
            "span": self.span.tolist(),
            "margin": self.margin,
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
        )


def _counts(environments: Sequence[str]) -> Counter[str]:
    """Count the heavy atoms by environment, which determine the hydrogens, and the pairs of charges."""
    counts = Counter(one for one in environments if one.split(" ")[0] != "H")
    cations = sum(n for one, n in counts.items() if "+" in one.split(" ")[0])
    anions = sum(n for one, n in counts.items() if "-" in one.split(" ")[0])
    pairs = {
        "opposite charges": cations * anions,
        "like charges": (cations * (cations - 1) + anions * (anions - 1)) // 2,
    }
    return counts + Counter(pairs)
