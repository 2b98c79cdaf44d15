"""Energies of the minima of a molecule relative to each other: by how much, and whether in the right order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from explorer.evaluate.metrics import ALL
from explorer.evaluate.residuals import Residuals
from explorer.units import KCAL_PER_MOL

MINIMUM = "minimum"  # stage of frames
FEWEST = 3  # minima of a molecule whose order means anything


@dataclass(frozen=True)
class RelativeRow:
    """Of the minima of one molecule, or of all with the mean of each molecule taken off.

    Attributes:
        molecule: name, or `all`.
        n_minima: compared.
        mae: mean absolute error of energies relative to their mean, kcal/mol.
        rank_correlation: Spearman's, of predicted and true energies; None where all are equal.
    """

    molecule: str
    n_minima: int
    mae: float
    rank_correlation: float | None


def relative_energies(residuals: Residuals) -> list[RelativeRow]:
    """One row per molecule with minima enough, then one over all of them; none without any."""
    minima = residuals.stage == MINIMUM
    names = [
        name
        for name in np.unique(residuals.molecule[minima]).tolist()
        if np.sum(minima & (residuals.molecule == name)) >= FEWEST
    ]
    if not names:
        return []
    of_names = minima & np.isin(residuals.molecule, names)
    molecule = residuals.molecule[of_names]
    predicted, true = (relative_to_mean(molecule, x[of_names]) for x in (residuals.predicted, residuals.label))
    groups = [(name, molecule == name) for name in names] + [(ALL, np.ones(len(molecule), bool))]
    return [_row(name, predicted[group], true[group]) for name, group in groups]


def relative_to_mean(molecule: np.ndarray, values: Float[np.ndarray, "F *M"]) -> Float[np.ndarray, "F *M"]:
    """Values less their mean over the frames of the same molecule."""
    _, group = np.unique(molecule, return_inverse=True)
    counts = np.bincount(group).reshape(-1, *(1,) * (values.ndim - 1))
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, group, values)
    return values - (sums / counts)[group]


def rank_correlation(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float | None:
    """Spearman's; None where one of the two is constant or unknown."""
    if len(a) < FEWEST or not np.ptp(a) > 0 or not np.ptp(b) > 0:
        return None
    return float(np.asarray(spearmanr(a, b))[0])


def _row(name: str, predicted: Float[np.ndarray, "n"], true: Float[np.ndarray, "n"]) -> RelativeRow:
    mae = float(np.abs(predicted - true).mean()) / KCAL_PER_MOL
    return RelativeRow(name, len(true), mae, rank_correlation(predicted, true))
