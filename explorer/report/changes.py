"""What the minima are, which of it walkers could explore, and when in a hop the molecule changed."""

from collections import Counter
from dataclasses import replace

from explorer.analysis.changes import LOST, RELAXED, RESTORED, STAYED, allowed_names, moments_of_change
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.structure_class import StructureClass, allowed_classes
from explorer.report.tables import ReportBlock, Row, Table


def changes(analysis: RunAnalysis) -> ReportBlock:
    """Classes of the minima and whether they may be explored; when the molecule changed."""
    block = ReportBlock(
        key="changes",
        title="Is it still the same molecule?",
        explanation="Every relaxed structure has a class and is stored; walkers move on from it only where all that "
        "changed is allowed. Structures are looked at twice: where the dynamics end and after relaxation.",
    )
    if not analysis.run.minima:
        return replace(block, absent="No minimum has been stored yet.")
    allowed = {StructureClass.INTACT} | allowed_classes(allowed_names(analysis.run))
    n_minima = Counter(analysis.classes)
    n_hops = Counter(analysis.classes[hop.end] for hop in analysis.run.hops if hop.end is not None)
    rows = [
        Row((str(kind), f"{n_minima[kind]:,}", f"{n_hops[kind]:,}", "yes" if kind in allowed else "no"))
        for kind in StructureClass
    ]
    parts = [Table(("class", "minima", "hops that ended there", "walkers may explore it"), rows, words=(0, 3))]
    moments = moments_of_change(analysis.run)
    if moments:
        order = [Row((moment, f"{moments[moment]:,}")) for moment in (STAYED, RESTORED, LOST, RELAXED)]
        parts.append(Table(("bonds or stereocentres changed", "hops"), order, "When the molecule changed"))
    return replace(block, parts=parts)
