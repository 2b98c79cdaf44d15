"""Table of the minima that the model does not know, apart from the results."""

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import unknown_sentence
from explorer.report.tables import ReportBlock, Row, Table

MAX_UNKNOWN_ROWS = 50  # lowest ones; pes-explore export --all has the others; not tuned


def unknown_minima(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with the minima that are no results, and why; None if there are none.

    Args:
        analysis: The analysed run.
    """
    unknown = sorted(analysis.run.unknown, key=lambda minimum: minimum.energy)
    if not unknown:
        return None
    counted = unknown_sentence({"n_unknown": len(unknown), "unknown_share": analysis.run.unknown_share})
    rows = [
        Row((m.id, f"{analysis.energies[m.id]:.2f}", str(m.structure_class), m.exclusion), m.id)
        for m in unknown[:MAX_UNKNOWN_ROWS]
    ]
    explanation = (
        f"{counted}. The model does not know the surface there, so its energies mean nothing. These minima are in no "
        "other figure, number or file of results; no hop starts from them. pes-explore learn RUN teaches them to the "
        "model, and pes-explore export RUN --all writes all of them. Click a row to show the structure."
    )
    columns = ("minimum", "energy (kcal/mol)", "class", "why it is no result")
    title = "Minima that the model does not know"
    return ReportBlock("unknown", title, explanation, [Table(columns, rows, words=(2, 3))])
