"""All that is measured on a finished model, as it is written beside it for other programs."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from explorer.evaluate.metrics import AtomRow, ErrorRow, by_element, by_frame, by_residue
from explorer.evaluate.relative_energies import RelativeRow, relative_energies
from explorer.evaluate.residuals import Residuals
from explorer.evaluate.speed import Speed

ERRORS = "errors.json"


@dataclass(frozen=True)
class EvaluationErrors:
    """On frames that were not trained on.

    Attributes:
        rows: by molecule and stage.
        elements, residues: of forces.
        minima: relative energies of the minima of each molecule.
    """

    rows: list[ErrorRow] = field(default_factory=list)
    elements: list[AtomRow] = field(default_factory=list)
    residues: list[AtomRow] = field(default_factory=list)
    minima: list[RelativeRow] = field(default_factory=list)

    @classmethod
    def of(cls, residuals: Residuals) -> "EvaluationErrors":
        """All errors of some frames."""
        by_atom = by_element(residuals), by_residue(residuals)
        return cls(by_frame(residuals), *by_atom, relative_energies(residuals))


@dataclass(frozen=True)
class UncertaintyQuality:
    """How well a model knows its own errors; of every molecule by a calibration without its frames.

    Attributes:
        frames: which ones, `test split` or `held-out molecules`.
        n_frames: of them.
        force_correlation: Spearman's, of expected and true error of the forces; None where one is constant.
        energy_correlation: the same of the members' spread and the true error of energies relative to the mean of a
            molecule; None without a committee.
        trusted: share of all frames that are.
        farthest_flagged: share that is not trusted of the hundredth part farthest from the training data.
        worst_flagged: share that is not trusted of the hundredth part with the largest errors of the forces.
    """

    frames: str
    n_frames: int
    force_correlation: float | None
    energy_correlation: float | None
    trusted: float
    farthest_flagged: float
    worst_flagged: float


@dataclass(frozen=True)
class ModelEvaluation:
    """Of a finished model.

    Attributes:
        digest: of the checkpoint.
        training_data: file and sha256.
        held_out_data: file and sha256 of molecules that are not in the training data; empty without.
        test: errors on the test split of the training data.
        held_out: errors on the held-out molecules; None without.
        trust: None where there are too few frames to tell.
        n_calibrated: frames that the calibration was made from; 0 without one.
        speed: of force calls.
    """

    digest: str
    training_data: str
    held_out_data: str
    test: EvaluationErrors
    held_out: EvaluationErrors | None
    trust: UncertaintyQuality | None
    n_calibrated: int
    speed: Speed

    def write(self, folder: Path) -> Path:
        """Write `errors.json` into a checkpoint folder; energies in meV per atom, forces in meV/Å."""
        path = folder / ERRORS
        path.write_text(json.dumps(asdict(self), indent=1, allow_nan=False, ensure_ascii=False) + "\n")
        return path
