"""What other structures say about the minima of a run: those of the training data, and those of a reference."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SAME_CONFORMER = 0.25  # Å, RMSD of the heavy atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingMinimum:
    """A distinct minimum reached by quenching training frames on the model's surface.

    Attributes:
        id: from 0, ascending energy.
        energy: eV, on the same surface as the run's minima.
        positions: Å, shape (N, 3), in the atom order of the run.
        n_frames: how many training frames ended here.
        found: id of the same minimum in the run; None when the run missed it.
    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    n_frames: int
    found: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The run against the training data of its model.

    Attributes:
        training_minima: all of them.
        nearest_frame_distance: for each minimum of the run (by id) the smallest
            root-mean-square torsion difference to any training frame, degrees.
        frames_torsions: backbone torsions (phi, psi of each residue) of a sample of
            training frames, degrees, shape (n_frames, n_residues, 2).
        n_frames: training frames of this molecule.
        n_quenched: of these, how many were quenched.
        n_failed: quenches that did not end in an intact minimum.
        source: name and digest of the training file.
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
    """Minima of a run re-relaxed with a reference method.

    Attributes:
        reference: name of the reference method.
        ids: minima that were re-relaxed, shape (n,).
        rmsd: heavy-atom RMSD between the minimum and where the reference took it, Å.
        stayed: whether it is the same conformer.
        energy: relative energy on the model's surface, eV.
        reference_energy: relative reference energy after re-relaxation, eV.
    """

    reference: str
    ids: Int[np.ndarray, "n"]
    rmsd: Float[np.ndarray, "n"]
    stayed: np.ndarray
    energy: Float[np.ndarray, "n"]
    reference_energy: Float[np.ndarray, "n"]
