"""Agreement of a model with a reference method on the energies of minima."""

from explorer import statistics
from explorer.records.comparisons import Validation


def energy_rank_correlation(validation: Validation) -> float:
    """Return Spearman's rank correlation of the relative energies; NaN for fewer than three minima or equal energies.

    Args:
        validation: Minima relaxed with a reference method.
    """
    return statistics.rank_correlation(validation.energy, validation.reference_energy)
