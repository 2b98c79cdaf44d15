"""Agreement of a model with a reference method on the energies of minima."""

from explorer import statistics
from explorer.records.comparisons import Validation


def energy_rank_correlation(validation: Validation) -> float:
    """Spearman's rank correlation of relative energies; NaN for fewer than three minima or equal energies."""
    return statistics.rank_correlation(validation.energy, validation.reference_energy)
