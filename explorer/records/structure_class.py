"""Classes of structures relative to the input molecule, and the changes that a search may follow."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from explorer.errors import ConfigError


class StructureClass(StrEnum):
    """Class of a relaxed structure relative to the input molecule: the most severe change.

    In `cis-amide` structures a secondary amide is cis that is trans in the input, in `trans-amide` structures one is
    trans that is cis in the input.
    """

    INTACT = "intact"
    CIS_AMIDE = "cis-amide"
    TRANS_AMIDE = "trans-amide"
    STEREO_INVERTED = "stereo-inverted"
    PROTON_TRANSFERRED = "proton-transferred"
    BOND_BROKEN = "bond-broken"
    FRAGMENTED = "fragmented"
    CLASHED = "clashed"

    @property
    def is_conformer(self) -> bool:
        """Whether bonds and stereocentres are those of the input; amides may be cis or trans."""
        return self == StructureClass.INTACT or self in FLIPPED_AMIDES


# classes of conformers in which a secondary amide is on the other side, cis or trans, than in the input
FLIPPED_AMIDES = (StructureClass.CIS_AMIDE, StructureClass.TRANS_AMIDE)
# changes that keep the bonds between heavy atoms and the stereocentres
SKELETON_KEPT = frozenset({*FLIPPED_AMIDES, StructureClass.PROTON_TRANSFERRED})


def is_change(before: StructureClass, after: StructureClass) -> bool:
    """Return whether bonds or stereocentres differ between two structures of these classes."""
    return before != after and not (before.is_conformer and after.is_conformer)


# values of `hopping.allow`, and the changes that each of them allows
EXPLORABLE_CHANGES: dict[str, frozenset[StructureClass]] = {
    "cis-amide": frozenset(FLIPPED_AMIDES),
    "proton-transfer": frozenset({StructureClass.PROTON_TRANSFERRED}),
    "stereo-inversion": frozenset({StructureClass.STEREO_INVERTED}),
    "reaction": frozenset({StructureClass.BOND_BROKEN, StructureClass.FRAGMENTED}),
}


def allowed_classes(names: Iterable[str]) -> frozenset[StructureClass]:
    """Return the structure classes that walkers may explore besides intact structures.

    Args:
        names: Keys of `EXPLORABLE_CHANGES`; with none, only intact structures are explored. A clash can never be
            allowed.

    Raises:
        ConfigError: For an unknown name; the nearest one is named.

    >>> sorted(allowed_classes(["reaction"]))
    [<StructureClass.BOND_BROKEN: 'bond-broken'>, <StructureClass.FRAGMENTED: 'fragmented'>]
    """
    allowed: frozenset[StructureClass] = frozenset()
    for name in names:
        if name not in EXPLORABLE_CHANGES:
            begins = [choice for choice in EXPLORABLE_CHANGES if choice.startswith(str(name))]
            near = (begins or get_close_matches(str(name), EXPLORABLE_CHANGES, n=1, cutoff=0.0))[0]
            raise ConfigError(
                f"hopping.allow takes {', '.join(EXPLORABLE_CHANGES)}; received {name!r}. Did you mean {near!r}?"
            )
        allowed |= EXPLORABLE_CHANGES[name]
    return allowed


def choices_for(changes: Iterable[StructureClass]) -> list[str]:
    """Return the keys of `EXPLORABLE_CHANGES` that would allow these changes, in the order of that table."""
    changes = set(changes)
    return [name for name, classes in EXPLORABLE_CHANGES.items() if classes & changes]
