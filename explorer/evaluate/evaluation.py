"""Results of the evaluation of a model, and their JSON file in the folder of its checkpoint."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from explorer.evaluate.metrics import AtomRow, ErrorRow, errors_by_element, errors_by_group, errors_by_residue
from explorer.evaluate.relative_energies import RelativeRow, relative_energies
from explorer.evaluate.residuals import Residuals
from explorer.evaluate.speed import Speed
from explorer.files import without_nan, write_json

ERRORS_FILE = "errors.json"


@dataclass(frozen=True)
class EvaluationErrors:
    """Errors on frames that were not used for training.

    Attributes:
        rows: Errors by molecule and stage.
        elements: Force errors by element.
        residues: Force errors by residue.
        minima: Errors of the relative energies of the minima of each molecule.
    """

    rows: list[ErrorRow] = field(default_factory=list)
    elements: list[AtomRow] = field(default_factory=list)
    residues: list[AtomRow] = field(default_factory=list)
    minima: list[RelativeRow] = field(default_factory=list)

    @classmethod
    def of(cls, residuals: Residuals) -> "EvaluationErrors":
        """Compute all errors from the residuals of some frames.

        Args:
            residuals: Errors of each frame.
        """
        return cls(
            rows=errors_by_group(residuals),
            elements=errors_by_element(residuals),
            residues=errors_by_residue(residuals),
            minima=relative_energies(residuals),
        )


@dataclass(frozen=True, kw_only=True)
class UncertaintyQuality:
    """Agreement of expected and true errors. Each molecule is assessed with a calibration that leaves out its frames.

    Attributes:
        frames: Origin of the frames, `test split` or `held-out molecules`.
        n_frames: Number of frames.
        force_correlation: Median over molecules of Spearman's rank correlation of the expected and the true force
            error of their frames; NaN (null in JSON) where undefined.
        energy_correlation: The same for the spread of the committee and the true error, both of energies relative to
            their mean over a molecule; NaN (null in JSON) without a committee.
        trusted: Share of all frames that are trusted.
        farthest_flagged: Share of the 1 % farthest from the training data that is not trusted.
        worst_flagged: Share of the 1 % with the largest force errors that is not trusted.
    """

    frames: str
    n_frames: int
    force_correlation: float
    energy_correlation: float
    trusted: float
    farthest_flagged: float
    worst_flagged: float


@dataclass(frozen=True, kw_only=True)
class ModelEvaluation:
    """Evaluation of a trained model. The field names are the keys of `errors.json`.

    Attributes:
        digest: Digest of the checkpoint.
        training_data: Name and sha256 of the training data.
        held_out_data: Name and sha256 of the data of molecules that are not in the training data; empty without them.
        test: Errors on the test split of the training data.
        held_out: Errors on the held-out molecules; None without them.
        trust: Quality of the uncertainty; None where there are too few frames.
        n_calibrated: Number of frames of the calibration; 0 without a calibration.
        speed: Time of force calls.
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
        """Write `errors.json` into a checkpoint folder and return its path.

        Args:
            folder: Folder of the checkpoint.
        """
        return write_json(without_nan(asdict(self)), folder / ERRORS_FILE)
