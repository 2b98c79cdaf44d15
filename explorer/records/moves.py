"""Moves by which a walker leaves a minimum: by dynamics, by a push, or by a jump without force calls of its own."""

from collections.abc import Iterable
from enum import StrEnum

from explorer.errors import ConfigError
from explorer.records.former_names import FORMER_MOVES


class Move(StrEnum):
    """Way in which a walker leaves a minimum. The order is an on-disk format: stored numbers are indices into it."""

    HOPPING = "hopping"  # minima hopping: softening, dynamics, relaxation
    TORSION = "torsion"  # rotation about one to three random rotatable bonds
    AMIDE_FLIP = "amide-flip"  # rotation of an amide by about 180°
    CROSSOVER = "crossover"  # torsions of one part taken from another minimum
    CRANKSHAFT = "crankshaft"  # rotation of an amide between its neighbours (ψ and φ counter-rotate)
    RATTLE = "rattle"  # random displacement of all atoms of a cluster
    SURFACE_MOVE = "surface-move"  # relocation of the most weakly bound surface atoms of a cluster
    RANDOM_RESTART = "random-restart"  # random structure, accepted at any energy
    LOW_MODE = "low-mode"  # push along a softened direction, then relaxation
    GIVEN_STRUCTURE = "given-structure"  # structure from outside of the search, accepted at any energy

    @classmethod
    def _missing_(cls, value: object) -> "Move | None":
        return cls(FORMER_MOVES[value]) if isinstance(value, str) and value in FORMER_MOVES else None

    @property
    def has_path(self) -> bool:
        """Whether the move follows a path, whose highest energy is an upper bound of a barrier."""
        return self == Move.HOPPING

    @property
    def is_jump(self) -> bool:
        """Whether the relaxation begins at once, at a structure that the host provides."""
        return self not in (Move.HOPPING, Move.LOW_MODE)

    @property
    def usual_calls(self) -> int:
        """Force calls per new minimum that are expected of the move before it has been tried; not tuned."""
        return 50 if self.is_jump else 400


MOVES = tuple(Move)
SELECTABLE_MOVES = tuple(move for move in MOVES if move != Move.GIVEN_STRUCTURE)  # those that a search chooses from


def chosen_moves(names: Iterable[str]) -> tuple[Move, ...]:
    """Return the moves with the given names, in the order of `Move`.

    Args:
        names: Values of `Move`, of those in `SELECTABLE_MOVES`.

    Raises:
        ConfigError: For an unknown name, or for none at all.

    >>> chosen_moves(["torsion", "hopping"])
    (<Move.HOPPING: 'hopping'>, <Move.TORSION: 'torsion'>)
    """
    names = set(names)
    unknown = sorted(names - set(SELECTABLE_MOVES))
    if unknown or not names:
        received = ", ".join(map(repr, unknown)) or "nothing"
        raise ConfigError(f"hopping.moves takes one or more of {', '.join(SELECTABLE_MOVES)}; received {received}.")
    return tuple(move for move in SELECTABLE_MOVES if move in names)
