"""Structural classes of the minima, the classes that walkers may explore, and the moment of each change."""

from collections import Counter
from dataclasses import replace

from explorer.analysis.changes import LOST, RELAXED, RESTORED, STAYED, allowed_names, moments_of_change
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.structure_class import StructureClass, allowed_classes
from explorer.report.tables import ReportBlock, Row, Table


def changes(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with the number of minima and hops by structure class, and the moments of structural changes.

    It is None for a cluster, whose structures have no classes.
    """
    if analysis.is_cluster:
        return None
    block = ReportBlock(
        key="changes",
        title="Structural changes",
        explanation="Every relaxed structure is classified and stored. The search continues from it only if all its "
        "changes are allowed. Each structure is classified twice: after the escape dynamics and after relaxation.",
    )
    if not analysis.run.minima:
        return replace(block, absent="The run has no minimum yet.")
    allowed = {StructureClass.INTACT} | allowed_classes(allowed_names(analysis.run))
    n_minima = Counter(analysis.classes)
    n_hops = Counter(analysis.classes[hop.end] for hop in analysis.run.hops if hop.end is not None)
    rows = [
        Row((str(one), f"{n_minima[one]:,}", f"{n_hops[one]:,}", "yes" if one in allowed else "no"))
        for one in StructureClass
    ]
    parts = [Table(("class", "minima", "hops ending there", "allowed"), rows, words=(0, 3))]
    moments = moments_of_change(analysis.run)
    if moments:
        order = [Row((moment, f"{moments[moment]:,}")) for moment in (STAYED, RESTORED, LOST, RELAXED)]
        parts.append(Table(("change of bonds or stereocentres", "hops"), order, "Moment of the change"))
    return replace(block, parts=parts)
