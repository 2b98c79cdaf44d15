"""Minima that training frames relax to, collected batch by batch and matched with those of a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.config import IdentitySettings
from explorer.records.comparisons import TrainingMinimum
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History


@dataclass(frozen=True, eq=False, kw_only=True)
class RelaxedFrames:
    """Training frames after relaxation with the model.

    Attributes:
        positions: Å, in the atom order of the run, shape (Q, N, 3).
        energies: eV, shape (Q,).
        classes: Class of each structure.
        failures: Why each relaxation did not converge; empty where it did.
        exclusions: Why the model does not know each structure; empty where it does.
    """

    positions: Float[np.ndarray, "Q N 3"]
    energies: Float[np.ndarray, "Q"]
    classes: Sequence[StructureClass]
    failures: Sequence[str]
    exclusions: Sequence[str]


class TrainingMinima:
    """Distinct conformers that training frames relax to.

    Args:
        molecule: Molecule of the run.
        run_minima: Minima of the run, in order of id.
        settings: Identity settings of the run.

    Attributes:
        n_frames: Number of frames that were added.
        not_counted: Number of frames that did not lead to a conformer that the model knows, by reason.
    """

    def __init__(self, molecule: Molecule, run_minima: Sequence[Minimum], settings: IdentitySettings):
        self._history = History(symmetry_of(molecule), settings, run_minima)
        self._n_run_minima = len(run_minima)
        self._lowest: dict[int, tuple[float, np.ndarray]] = {}  # energy and positions of the lowest copy by id
        self._frames_of: Counter[int] = Counter()
        self.n_frames = 0
        self.not_counted: Counter[str] = Counter()

    @property
    def known(self) -> tuple[Minimum, ...]:
        """Minima of the run, and after them those of the frames so far that are not among them."""
        return self._history.minima

    @property
    def minima(self) -> tuple[TrainingMinimum, ...]:
        """Distinct minima of the frames so far, in order of ascending energy."""
        ids = sorted(self._lowest, key=lambda known: self._lowest[known][0])
        return tuple(
            TrainingMinimum(
                id=id,
                energy=self._lowest[known][0],
                positions=self._lowest[known][1],
                n_frames=self._frames_of[known],
                found=known if known < self._n_run_minima else None,
            )
            for id, known in enumerate(ids)
        )

    def add(self, relaxed: RelaxedFrames) -> None:
        """Add relaxed frames.

        Args:
            relaxed: The frames.
        """
        self.n_frames += len(relaxed.energies)
        reasons = [
            failure or (exclusion and f"unknown to the model: {exclusion}") or ("" if one.is_conformer else str(one))
            for failure, exclusion, one in zip(relaxed.failures, relaxed.exclusions, relaxed.classes, strict=True)
        ]
        self.not_counted.update(reason for reason in reasons if reason)
        usable = [k for k, reason in enumerate(reasons) if not reason]
        if not usable:
            return
        energies, positions = relaxed.energies[usable], relaxed.positions[usable]
        classes = [relaxed.classes[k] for k in usable]
        found = self._history.identify_batch(energies, positions, classes)
        # from the lowest energy, so that the first copy of a new minimum is its lowest
        for k in np.argsort(energies, kind="stable").tolist():
            known = found[k]
            if known is None:
                known = self._history.identify(float(energies[k]), positions[k], classes[k])
            if known is None:
                known = self._add_minimum(float(energies[k]), positions[k], classes[k])
            self._frames_of[known] += 1
            if known not in self._lowest or energies[k] < self._lowest[known][0]:
                self._lowest[known] = float(energies[k]), np.asarray(positions[k], float)

    def _add_minimum(self, energy: float, positions: Float[np.ndarray, "N 3"], structure_class: StructureClass) -> int:
        minimum = Minimum(
            id=len(self._history),
            energy=energy,
            positions=np.asarray(positions, float),
            structure_class=structure_class,
            fmax=np.nan,
            n_evaluations=0,
            round=0,
        )
        return self._history.add(minimum)
