"""Table of the barriers of the model beside those of a reference method."""

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.saddle_validation import (
    SADDLE_VALIDATION_COLUMNS,
    saddle_validation_counts,
    saddle_validation_rows,
    saddle_validation_sentence,
)
from explorer.report.tables import ReportBlock, Row, Table


def barriers_table(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with every transition state that was refined with the reference method; None without one."""
    counts = saddle_validation_counts(analysis.run)
    if counts is None:
        return None
    words = tuple(range(1, len(SADDLE_VALIDATION_COLUMNS)))
    return ReportBlock(
        "barriers",
        f"Barriers with {counts['reference']}",
        f"{saddle_validation_sentence(counts)}. Each transition state has a barrier from either minimum, in their "
        "order. An error is the barrier of the model minus that of the reference.",
        [Table(SADDLE_VALIDATION_COLUMNS, [Row(row) for row in saddle_validation_rows(analysis.run)], words=words)],
    )
