"""Errors of the energies of minima relative to each other, and agreement of their order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.evaluate.metrics import ALL
from explorer.evaluate.residuals import Residuals
from explorer.statistics import MIN_RANKED_VALUES, rank_correlation
from explorer.units import KCAL_PER_MOL

MINIMUM_STAGE = "minimum"  # stage of labelled frames that are minima of the reference method


@dataclass(frozen=True, kw_only=True)
class RelativeRow:
    """Errors over the minima of one molecule or of all molecules. The field names are keys of `errors.json`.

    Energies are relative to their mean over the minima of a molecule.

    Attributes:
        molecule: Name of the molecule, or `all`.
        n_minima: Number of minima.
        mae: Mean absolute error of relative energies, kcal/mol.
        rank_correlation: Spearman's rank correlation of predicted and true energies; NaN (null in JSON) where
            undefined.
    """

    molecule: str
    n_minima: int
    mae: float
    rank_correlation: float


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
    predicted, true = (relative_to_mean(molecule, x[compared]) for x in (residuals.predicted, residuals.label))
    groups = [(name, molecule == name) for name in names] + [(ALL, np.ones(len(molecule), bool))]
    return [_row(name, predicted[group], true[group]) for name, group in groups]


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


def _row(name: str, predicted: Float[np.ndarray, "n"], true: Float[np.ndarray, "n"]) -> RelativeRow:
    return RelativeRow(
        molecule=name,
        n_minima=len(true),
        mae=float(np.abs(predicted - true).mean()) / KCAL_PER_MOL,
        rank_correlation=rank_correlation(predicted, true),
    )
