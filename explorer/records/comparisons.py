"""Records of the comparison of a run with training data, and of its validations by a reference method."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SAME_CONFORMER = 0.25  # Å, RMSD of the heavy atoms below which two structures are the same conformer; not tuned


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingMinimum:
    """Distinct minimum reached by relaxing training frames on the surface of the model.

    Attributes:
        id: Number from 0 in order of ascending energy.
        energy: eV, on the same surface as the minima of the run.
        positions: Å, in the atom order of the run.
        n_frames: Number of training frames that relaxed to it.
        found: Id of the same minimum in the run; None if the run missed it.

    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    n_frames: int
    found: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Comparison of a run with the training data of its model.

    Attributes:
        training_minima: Distinct minima of the training frames.
        nearest_frame_distance: For each minimum of the run (by id) the smallest root-mean-square difference of torsions
            to a training frame, degrees; NaN where it is not defined.
        frames_torsions: Backbone torsions (φ and ψ of each residue) of a sample of training frames, degrees.
        n_frames: Training frames of this molecule.
        n_relaxed: Training frames that were relaxed.
        n_failed: Relaxations that did not converge to a conformer.
        source: Name and digest of the training file.

    """

    training_minima: tuple[TrainingMinimum, ...]
    nearest_frame_distance: Float[np.ndarray, "n_minima"]
    frames_torsions: Float[np.ndarray, "n_frames n_residues 2"]
    n_frames: int
    n_relaxed: int
    n_failed: int
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Validation:
    """Minima of a run before and after a relaxation with a reference method.

    Attributes:
        reference: Name of the reference method.
        ids: Ids of the minima that were relaxed.
        rmsd: Heavy-atom RMSD between each minimum and its relaxation with the reference, Å; NaN where that failed.
        stayed: Whether each minimum is the same conformer after the relaxation, shape (n,).
        energy: Energy on the surface of the model, relative to the lowest of these minima, eV.
        reference_energy: Energy after the relaxation with the reference, relative to the lowest one, eV; NaN where the
            relaxation failed.

    """

    reference: str
    ids: Int[np.ndarray, "n"]
    rmsd: Float[np.ndarray, "n"]
    stayed: np.ndarray
    energy: Float[np.ndarray, "n"]
    reference_energy: Float[np.ndarray, "n"]


@dataclass(frozen=True, kw_only=True)
class SaddleValidation:
    """A transition state of a run after a refinement with a reference method.

    Attributes:
        saddle: Id of the transition state.
        reference: Name of the reference method.
        reason: Why the reference has no saddle between the same two minima; empty if it has one.
        energy: Energy of the refined saddle with the reference, eV; NaN without one.
        end_energies: Energies of both minima after a relaxation with the reference, eV; NaN where that failed.
        rmsd: Heavy-atom RMSD between the transition state and the refined saddle, Å; NaN without one.

    """

    saddle: int
    reference: str
    reason: str
    energy: float
    end_energies: tuple[float, float]
    rmsd: float
