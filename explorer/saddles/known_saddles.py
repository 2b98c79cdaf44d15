"""Transition states of a run, among which new ones are recognised."""

import numpy as np
from jaxtyping import Float

from explorer.config import IdentitySettings
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import TransitionState
from explorer.similarity.symmetry import Symmetry
from explorer.strategy.history import History


class KnownSaddles:
    """Saddles with the identity of minima: energy, and RMSD over rotations and exchanges of equal atoms.

    Args:
        symmetry: Symmetry of the molecule.
        settings: When two structures are the same.
        states: Transition states that are known.
    """

    def __init__(self, symmetry: Symmetry, settings: IdentitySettings, states: tuple[TransitionState, ...]):
        self._history = History(symmetry, settings)
        for state in states:
            self.add(state.energy, state.positions)

    def identify(self, energy: float, positions: Float[np.ndarray, "N 3"]) -> int | None:
        """Return the number of the same saddle; None for another one.

        Args:
            energy: Energy, eV.
            positions: Positions, Å.
        """
        return self._history.identify(energy, positions, StructureClass.INTACT)

    def add(self, energy: float, positions: Float[np.ndarray, "N 3"]) -> int:
        """Add a saddle and return its number.

        Args:
            energy: Energy, eV.
            positions: Positions, Å.
        """
        return self._history.add(
            Minimum(
                id=len(self._history),
                energy=energy,
                positions=positions,
                structure_class=StructureClass.INTACT,  # one class for all, since energy and RMSD decide
                fmax=0.0,
                n_evaluations=0,
                round=0,
            )
        )
