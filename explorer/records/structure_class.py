"""What a structure can be, compared with the molecule that was given, and which of it may be explored."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from explorer.errors import ConfigError


class StructureClass(StrEnum):
    """What a relaxed structure is, compared with the molecule that was given."""

    INTACT = "intact"
    CIS_AMIDE = "cis-amide"
    STEREO_INVERTED = "stereo-inverted"
    PROTON_TRANSFERRED = "proton-transferred"
    BOND_BROKEN = "bond-broken"
    FRAGMENTED = "fragmented"
    CLASHED = "clashed"

    @property
    def is_conformer(self) -> bool:
        """Whether bonds and stereocentres are those of the molecule, amides cis or trans."""
        return self in (StructureClass.INTACT, StructureClass.CIS_AMIDE)


# changes that leave the bonds between heavy atoms and the stereocentres as they are
SKELETON_KEPT = frozenset({StructureClass.CIS_AMIDE, StructureClass.PROTON_TRANSFERRED})


def is_change(before: StructureClass, after: StructureClass) -> bool:
    """Whether bonds or stereocentres differ between two structures of these classes."""
    return before != after and not (before.is_conformer and after.is_conformer)


CHOICES: dict[str, frozenset[StructureClass]] = {
    "cis-amide": frozenset({StructureClass.CIS_AMIDE}),
    "proton-transfer": frozenset({StructureClass.PROTON_TRANSFERRED}),
    "stereo-inversion": frozenset({StructureClass.STEREO_INVERTED}),
    "reaction": frozenset({StructureClass.BOND_BROKEN, StructureClass.FRAGMENTED}),
}


def allowed_classes(names: Iterable[str]) -> frozenset[StructureClass]:
    """The changes that walkers may explore; a clashed structure is never one of them.

    Args:
        names: of `CHOICES`; none of them leaves intact structures alone.

    Raises:
        ConfigError: for an unknown name; the nearest one is named.

    >>> sorted(allowed_classes(["reaction"]))
    [<StructureClass.BOND_BROKEN: 'bond-broken'>, <StructureClass.FRAGMENTED: 'fragmented'>]
    """
    allowed: frozenset[StructureClass] = frozenset()
    for name in names:
        if name not in CHOICES:
            begins = [choice for choice in CHOICES if choice.startswith(str(name))]
            near = (begins or get_close_matches(str(name), CHOICES, n=1, cutoff=0.0))[0]
            raise ConfigError(f"hopping.allow takes {', '.join(CHOICES)}; received {name!r}. Did you mean {near!r}?")
        allowed |= CHOICES[name]
    return allowed


def choices_for(changes: Iterable[StructureClass]) -> list[str]:
    """The names of `CHOICES` that would allow these changes, in their order."""
    changes = set(changes)
    return [name for name, classes in CHOICES.items() if classes & changes]
