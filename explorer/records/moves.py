"""How a walker may leave a minimum: by dynamics, or by a jump that costs nothing but the relaxation."""

from collections.abc import Iterable
from enum import StrEnum

from explorer.errors import ConfigError
from explorer.records.former_names import MOVES as FORMER_MOVES


class Move(StrEnum):
    """Strategies, in the order that stored numbers stand for."""

    HOPPING = "hopping"  # minima hopping: softening, dynamics, relaxation
    TORSION = "torsion"  # one to three rotatable bonds turned at random
    AMIDE_FLIP = "amide-flip"  # an amide turned by half a turn
    CROSSOVER = "crossover"  # the torsions of a part taken from another minimum
    CRANKSHAFT = "crankshaft"  # an amide turned about the line through its neighbours, the rest nearly left in place
    RATTLE = "rattle"  # all atoms of a cluster without bonds moved a little at random
    SURFACE_MOVE = "surface-move"  # the most loosely bound atoms of such a cluster put elsewhere on its surface
    RANDOM_RESTART = "random-restart"  # a random structure, taken whatever its energy
    LOW_MODE = "low-mode"  # pushed along a softened direction and relaxed, without dynamics

    @classmethod
    def _missing_(cls, value: object) -> "Move | None":
        return cls(FORMER_MOVES[value]) if isinstance(value, str) and value in FORMER_MOVES else None

    @property
    def has_path(self) -> bool:
        """Whether the way to the next minimum is a path whose highest energy bounds a barrier."""
        return self == Move.HOPPING

    @property
    def is_jump(self) -> bool:
        """Whether relaxation begins at once, where the host says."""
        return self not in (Move.HOPPING, Move.LOW_MODE)

    @property
    def usual_calls(self) -> int:
        """Force calls per new minimum that are expected of it before it was tried: most jumps find one, others few."""
        return 50 if self.is_jump else 400


MOVES = tuple(Move)


def chosen_moves(names: Iterable[str]) -> tuple[Move, ...]:
    """The moves of these names, in the order of `Move`.

    Raises:
        ConfigError: for an unknown name, or none at all.

    >>> chosen_moves(["torsion", "hopping"])
    (<Move.HOPPING: 'hopping'>, <Move.TORSION: 'torsion'>)
    """
    names = set(names)
    unknown = sorted(names - set(MOVES))
    if unknown or not names:
        received = ", ".join(map(repr, unknown)) or "nothing"
        raise ConfigError(f"hopping.moves takes one or more of {', '.join(MOVES)}; received {received}.")
    return tuple(move for move in MOVES if move in names)
