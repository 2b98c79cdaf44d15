"""Agreement of a model with a reference method on the energies of minima."""

from typing import Any

import numpy as np

from explorer import statistics
from explorer.records.comparisons import Validation
from explorer.records.run import RunRecord


def energy_rank_correlation(validation: Validation) -> float:
    """Return Spearman's rank correlation of the relative energies; NaN for fewer than three minima or equal energies.

    Args:
        validation: Minima relaxed with a reference method.
    """
    return statistics.rank_correlation(validation.energy, validation.reference_energy)


def validation_counts(run: RunRecord) -> dict[str, Any] | None:
    """Return how many minima of a run remain the same conformer with a reference; None without a validation.

    Args:
        run: The run.
    """
    validation = run.validation
    if validation is None:
        return None
    return {
        "reference": validation.reference,
        "n_relaxed": len(validation.ids),
        "n_same_conformer": int(validation.stayed.sum()),
        "median_rmsd": float(np.median(validation.rmsd)),
        "rank_correlation": energy_rank_correlation(validation),
    }
