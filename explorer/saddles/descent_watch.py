"""Record of running descents from saddles: their paths, and known minima at which they are about to end."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.config import IdentitySettings
from explorer.relaxation.state import Status
from explorer.similarity.identity import identity_distance
from explorer.similarity.symmetry import Symmetry
from explorer.strategy.history import History
from explorer.topology.bonds import Topology
from explorer.topology.classify import classify_batch

# As in the search, see explorer/hopping/recognition.py: share of the RMSD of identity, and eV/Å
_MATCH_SHARE, _MAX_FORCE = 0.4, 0.3


class DescentWatch:
    """Notes the accepted structures of descents, and stops those that are about to end at a known minimum.

    A descent is stopped when no force is above 0.3 eV/Å, the energy predicted for its end is that of a known minimum of
    its structure class, and the structure is within 0.4 times the RMSD of identity of this minimum.

    Args:
        symmetry: Symmetry of the molecule.
        topology: Its topology.
        identity: When two structures are the same.
        starts: Starts of the descents, Å.
        history: Known minima; None to stop no descent.

    Attributes:
        images: Accepted structures of each descent, Å.
        energies: Their energies, eV.
        recognised: Id of the known minimum by the number of the descent, for those that were stopped.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        topology: Topology,
        identity: IdentitySettings,
        starts: Float[np.ndarray, "n N 3"],
        history: History | None,
    ):
        self._symmetry, self._topology, self._identity, self._history = symmetry, topology, identity, history
        self._known = np.array([m.energy for m in history.minima] if history else [])
        self._n_atoms = starts.shape[1]
        self.images: list[list[np.ndarray]] = [[] for _ in starts]
        self.energies: list[list[float]] = [[] for _ in starts]
        self.recognised: dict[int, int] = {}

    def __call__(self, rows: Int[np.ndarray, "B"], state: Any) -> Bool[np.ndarray, "B"]:
        """Note the present structures, and return which descents end here.

        Args:
            rows: Number of the descent in each row; -1 for none.
            state: State of all rows.
        """
        positions, energies, largest, predicted, status = (
            np.asarray(getattr(state, name)) for name in ("positions", "energy", "fmax", "predicted_energy", "status")
        )
        ends = np.zeros(len(rows), bool)
        for row in np.flatnonzero((rows >= 0) & np.isfinite(energies)):
            descent, at, energy = int(rows[row]), positions[row, : self._n_atoms], float(energies[row])
            if energy == 0 and not at.any():
                continue  # nothing is evaluated yet
            if not self.energies[descent] or energy != self.energies[descent][-1]:
                self.images[descent].append(at.copy())
                self.energies[descent].append(energy)
            if status[row] == Status.RUNNING and largest[row] < _MAX_FORCE:
                known = self._minimum_ahead(at, energy, float(predicted[row]))
                if known is not None:
                    self.recognised[descent], ends[row] = known, True
        return ends

    def length(self, descent: int) -> float:
        """Return the length of a descent, Å: that of the curve in all Cartesian coordinates.

        Args:
            descent: Its number.
        """
        images = np.array(self.images[descent])
        return float(np.sqrt((np.diff(images, axis=0) ** 2).sum(axis=(1, 2))).sum()) if len(images) > 1 else 0.0

    def _minimum_ahead(self, positions: Float[np.ndarray, "N 3"], energy: float, predicted: float) -> int | None:
        if self._history is None or not np.any(np.abs(self._known - predicted) < self._identity.energy_window):
            return None
        classified = classify_batch(self._topology, positions[None])[0]
        known = self._history.identify(predicted, positions, classified.structure_class)
        if known is None or self._history[known].energy > energy:
            return None
        distance = identity_distance(self._symmetry, self._history[known].positions, positions)
        return known if distance <= _MATCH_SHARE * self._identity.rmsd else None
