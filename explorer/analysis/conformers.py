"""Conformers with the amides of the input, and those with an amide flipped to cis or trans, counted apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from explorer.records.structure_class import FLIPPED_AMIDES, StructureClass

_SIDES = {StructureClass.CIS_AMIDE: "cis", StructureClass.TRANS_AMIDE: "trans"}


class ConformerCounts(NamedTuple):
    """Numbers of conformers.

    Attributes:
        as_given: Conformers whose secondary amides are cis or trans as in the input.
        flipped: Conformers with a flipped amide.
        sides: Sides to which amides are flipped: `cis`, `trans`, or both in this order.
    """

    as_given: int
    flipped: int
    sides: tuple[str, ...] = ()

    @property
    def flipped_text(self) -> str:
        """Description of the conformers with a flipped amide, such as `with an amide flipped to cis`."""
        return f"with an amide flipped to {' or '.join(self.sides or ('cis',))}"

    def __str__(self) -> str:
        if not self.flipped:
            return f"{self.as_given:,}"
        return f"{self.as_given:,} with the amides of the input, {self.flipped:,} {self.flipped_text}"


def count_conformers(classes: Iterable[StructureClass]) -> ConformerCounts:
    """Count conformers; structures of other classes are left out.

    Args:
        classes: Class of each structure.

    >>> str(count_conformers([StructureClass.INTACT, StructureClass.CIS_AMIDE, StructureClass.INTACT]))
    '2 with the amides of the input, 1 with an amide flipped to cis'
    """
    counts = Counter(classes)
    flipped: Sequence[StructureClass] = [one for one in FLIPPED_AMIDES if counts[one]]
    return ConformerCounts(
        as_given=counts[StructureClass.INTACT],
        flipped=sum(counts[one] for one in flipped),
        sides=tuple(_SIDES[one] for one in flipped),
    )
