"""What the minima are, which of it walkers could explore, and when in a hop the molecule changed."""

from collections import Counter
from dataclasses import replace

from explorer.config import HoppingSettings
from explorer.records.hop import Hop
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass, allowed_classes, is_change
from explorer.report.tables import ReportBlock, Row, Table
from explorer.report.view import View

STAYED = "during the escape, and stayed changed"
RESTORED = "during the escape, and the relaxation restored it"
LOST = "during the escape, and the relaxation failed"
RELAXED = "during the relaxation"


def allowed_names(run: RunRecord) -> tuple[str, ...]:
    """What walkers could explore beside the given molecule; runs from before this choice had the default."""
    return tuple(run.config.get("hopping", {}).get("allow", HoppingSettings.allow))


def moments_of_change(run: RunRecord) -> Counter[str]:
    """How many hops changed bonds or stereocentres of the minimum they left, by when that happened."""
    kinds = {minimum.id: minimum.structure_class for minimum in run.minima}
    moments = (_moment(hop, kinds) for hop in run.hops if hop.start in kinds)
    return Counter(moment for moment in moments if moment)


def _moment(hop: Hop, kinds: dict[int, StructureClass]) -> str:
    start, end = kinds[hop.start], None if hop.end is None else kinds[hop.end]
    if hop.escape_class is None or not is_change(start, hop.escape_class):
        return RELAXED if end is not None and is_change(start, end) else ""
    if end is None:
        return LOST
    return STAYED if is_change(start, end) else RESTORED


def changes(view: View) -> ReportBlock:
    """Classes of the minima and whether they may be explored; when the molecule changed."""
    block = ReportBlock(
        key="changes",
        title="Is it still the same molecule?",
        explanation="Every relaxed structure has a class and is stored; walkers move on from it only where all that "
        "changed is allowed. Structures are looked at twice: where the dynamics end and after relaxation.",
    )
    if not view.run.minima:
        return replace(block, absent="No minimum has been stored yet.")
    allowed = {StructureClass.INTACT} | allowed_classes(allowed_names(view.run))
    n_minima = Counter(view.classes)
    n_hops = Counter(view.classes[hop.end] for hop in view.run.hops if hop.end is not None)
    rows = [
        Row((str(kind), f"{n_minima[kind]:,}", f"{n_hops[kind]:,}", "yes" if kind in allowed else "no"))
        for kind in StructureClass
    ]
    parts = [Table(("class", "minima", "hops that ended there", "walkers may explore it"), rows, words=(0, 3))]
    moments = moments_of_change(view.run)
    if moments:
        order = [Row((moment, f"{moments[moment]:,}")) for moment in (STAYED, RESTORED, LOST, RELAXED)]
        parts.append(Table(("bonds or stereocentres changed", "hops"), order, "When the molecule changed"))
    return replace(block, parts=parts)
