"""Reliability of the minima of a run, from the uncertainty of its model."""

from collections import Counter

from explorer.records.run import RunRecord
from explorer.records.uncertainty import TrustLevel


def trust_counts(run: RunRecord) -> dict[str, int] | None:
    """Return the number of minima by trust level; None if the model has no uncertainty.

    Args:
        run: The run.
    """
    counts = Counter(m.uncertainty.trust_level for m in run.minima if m.uncertainty)
    return {str(level): counts[level] for level in TrustLevel} if counts else None


def n_lowest_out_of_distribution(run: RunRecord) -> int:
    """Return the number of lowest conformers that are all out of distribution.

    Such conformers may be artefacts of the model. The number is 0 if no conformer is in distribution, since there is
    nothing reliable to compare with.

    Args:
        run: The run.
    """
    by_energy = sorted(
        (m.energy, bool(m.uncertainty and m.uncertainty.trust_level == TrustLevel.OUT_OF_DISTRIBUTION))
        for m in run.conformers
    )
    outside = [is_outside for _, is_outside in by_energy]
    return outside.index(False) if False in outside else 0
