"""Groups of hops that were given up for the same kind of reason."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from explorer.records.hop import Hop, Outcome

NO_REASON = "no reason given"
OMITTED = "…"  # in place of a number or an atom in which the texts of a group differ

_VARIABLE = re.compile(
    r"\w+:\w+'*"  # atom of a residue, as in ALA2:CA
    r"|\b[A-Z][a-z]?\d+\b"  # numbered element, as in H19
    r"|(?<![\w.])-?\d+(?:\.\d+)?(?!\w)"  # number
)
_LIST = re.compile(rf"{OMITTED}(?: {OMITTED})+(?: \.\.\.)?")  # several atoms in a row
_MORE = re.compile(rf"; {OMITTED} more\b")
_REPEATED = re.compile(r"([^;(]+)(?:; \1)+(?=[;)( ]|$)")


class ReasonGroup(NamedTuple):
    """Hops of one outcome whose reasons differ in no more than atoms and numbers.

    Attributes:
        outcome: Their outcome.
        reason: Their reason, with `OMITTED` in place of atoms and numbers if there are several texts.
        n_hops: Number of hops.
        example: Most frequent text of several; empty if there is only one.
    """

    outcome: Outcome
    reason: str
    n_hops: int
    example: str


def reason_groups(hops: Iterable[Hop]) -> list[ReasonGroup]:
    """Return the groups of changed, too uncertain and failed hops by reason, the largest first.

    Args:
        hops: Hops of a run.
    """
    texts: dict[tuple[Outcome, str], Counter[str]] = {}
    for hop in hops:
        if hop.outcome in (Outcome.CHANGED, Outcome.TOO_UNCERTAIN, Outcome.FAILED):
            reason = hop.reason or NO_REASON
            texts.setdefault((hop.outcome, without_details(reason)), Counter())[reason] += 1
    groups = []
    for (outcome, kind), counts in texts.items():
        (most_frequent, _), is_one = counts.most_common(1)[0], len(counts) == 1
        reason, example = (most_frequent, "") if is_one else (kind, most_frequent)
        groups.append(ReasonGroup(outcome, reason, counts.total(), example))
    return sorted(groups, key=lambda group: -group.n_hops)


def without_details(reason: str) -> str:
    """Return a reason without its atoms and numbers, and without repeated parts.

    Args:
        reason: Reason of a hop.

    >>> without_details("2 fragments, 1.5 Å apart; bond C1-H14 broken; bond C1-H15 broken; 3 more (during the escape)")
    '… fragments, … Å apart; bond …-… broken (during the escape)'
    """
    text = _MORE.sub("", _LIST.sub(OMITTED, _VARIABLE.sub(OMITTED, reason)))
    return _REPEATED.sub(r"\1", text)
