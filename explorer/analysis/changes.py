"""Changes of bonds and stereocentres during the hops of a run, and the structural changes that are allowed."""

from collections import Counter

from explorer.records.former_names import FORMER_DEFAULTS
from explorer.records.hop import Hop
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass, is_change

STAYED = "during the escape; kept by the relaxation"
RESTORED = "during the escape; reversed by the relaxation"
LOST = "during the escape; the relaxation failed"
RELAXED = "during the relaxation"


def allowed_names(run: RunRecord) -> tuple[str, ...]:
    """Return the structural changes that the search was allowed to follow.

    Runs older than this setting have its former default.

    Args:
        run: The run.
    """
    return tuple(run.config.get("hopping", {}).get("allow", FORMER_DEFAULTS["hopping"]["allow"]))


def moments_of_change(run: RunRecord) -> Counter[str]:
    """Count the hops that changed bonds or stereocentres, by the moment of the change.

    Args:
        run: The run.

    Returns:
        Numbers of hops by `STAYED`, `RESTORED`, `LOST` and `RELAXED`.
    """
    classes = {minimum.id: minimum.structure_class for minimum in run.minima}
    moments = (_moment(hop, classes) for hop in run.hops if hop.start in classes)
    return Counter(moment for moment in moments if moment)


def _moment(hop: Hop, classes: dict[int, StructureClass]) -> str:
    start, end = classes[hop.start], None if hop.end is None else classes[hop.end]
    if hop.escape_class is None or not is_change(start, hop.escape_class):
        return RELAXED if end is not None and is_change(start, end) else ""
    if end is None:
        return LOST
    return STAYED if is_change(start, end) else RESTORED
