"""Errors of the energies of minima relative to each other, and agreement of their order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from explorer.evaluate.metrics import ALL
from explorer.evaluate.residuals import Residuals
from explorer.statistics import MIN_RANKED_VALUES, median_rank_correlation
from explorer.units import KCAL_PER_MOL

MINIMUM_STAGE = "minimum"  # stage of labelled frames that are minima of the reference method
# Minima in this window decide about populations. Those above it are easier to rank and hide errors of the order.
LOW_WINDOW = 5 * KCAL_PER_MOL  # eV


@dataclass(frozen=True, kw_only=True)
class RelativeRow:
    """Errors over the minima of one molecule or of all molecules. The field names are keys of `errors.json`.

    Energies are relative to their mean over the minima of a molecule. Rank correlations (Spearman) are NaN (null in
    JSON) where undefined. In the row of all molecules they are the median over the molecules.

    Attributes:
        molecule: Name of the molecule, or `all`.
        n_minima: Number of minima.
        mae: Mean absolute error of relative energies, kcal/mol.
        rank_correlation: Rank correlation of predicted and true energies.
        n_low: Number of minima up to 5 kcal/mol above the lowest one of the reference method.
        low_mae: Mean absolute error of the energies of these, relative to their own mean, kcal/mol.
        low_rank_correlation: Rank correlation of the energies of these.
    """

    molecule: str
    n_minima: int
    mae: float
    rank_correlation: float
    n_low: int
    low_mae: float
    low_rank_correlation: float


def relative_energies(residuals: Residuals) -> list[RelativeRow]:
    """Return one row for each molecule with at least three minima, and one for all of these molecules.

    Args:
        residuals: Errors of each frame; only frames of the stage `minimum` are used.

    Returns:
        The rows; an empty list if no molecule has three minima.
    """
    minima = residuals.stage == MINIMUM_STAGE
    names = [
        name
        for name in np.unique(residuals.molecule[minima]).tolist()
        if np.sum(minima & (residuals.molecule == name)) >= MIN_RANKED_VALUES
    ]
    if not names:
        return []
    compared = minima & np.isin(residuals.molecule, names)
    molecule = residuals.molecule[compared]
    energies = residuals.predicted[compared], residuals.label[compared]
    lowest = np.array([energies[1][molecule == name].min() for name in molecule])
    low = energies[1] - lowest <= LOW_WINDOW
    groups = [(name, molecule == name) for name in names] + [(ALL, np.ones(len(molecule), bool))]
    return [_row(name, molecule, *energies, group, group & low) for name, group in groups]


def relative_to_mean(molecule: np.ndarray, values: Float[np.ndarray, "F *M"]) -> Float[np.ndarray, "F *M"]:
    """Subtract from the values of each frame their mean over the frames of the same molecule.

    Args:
        molecule: Name of the molecule of each frame.
        values: One or more values of each frame, in any unit.
    """
    _, group = np.unique(molecule, return_inverse=True)
    counts = np.bincount(group).reshape(-1, *(1,) * (values.ndim - 1))
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, group, values)
    return values - (sums / counts)[group]


def _row(
    name: str,
    molecule: np.ndarray,
    predicted: Float[np.ndarray, "F"],
    true: Float[np.ndarray, "F"],
    group: Bool[np.ndarray, "F"],
    low: Bool[np.ndarray, "F"],
) -> RelativeRow:
    def errors(chosen: Bool[np.ndarray, "F"]) -> tuple[float, float]:
        among, model, reference = molecule[chosen], predicted[chosen], true[chosen]
        mae = float(np.abs(relative_to_mean(among, model - reference)).mean()) / KCAL_PER_MOL
        return mae, median_rank_correlation(among, model, reference)

    mae, correlation = errors(group)
    low_mae, low_correlation = errors(low)
    return RelativeRow(
        molecule=name,
        n_minima=int(group.sum()),
        mae=mae,
        rank_correlation=correlation,
        n_low=int(low.sum()),
        low_mae=low_mae,
        low_rank_correlation=low_correlation,
    )
