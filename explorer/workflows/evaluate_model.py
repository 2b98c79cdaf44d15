"""Evaluation of a trained model on held-out frames: errors, calibration of the uncertainty, model card."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from explorer.dataset.dataset import MoleculeData, file_digest, load_dataset, load_meta
from explorer.errors import ConfigError
from explorer.evaluate.evaluation import EvaluationErrors, ModelEvaluation, UncertaintyQuality
from explorer.evaluate.metrics import of_split
from explorer.evaluate.model_card import write_card
from explorer.evaluate.residuals import residuals_of
from explorer.evaluate.speed import time_forces
from explorer.potential.checkpoint import checkpoint_digest, load_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import NetworkFunctions
from explorer.train.settings import FitSettings
from explorer.uncertainty.assessor import CALIBRATION_FILE, SUPPORT_FILE, save_assessor
from explorer.uncertainty.domain import DOMAIN_FILE, Domain
from explorer.uncertainty.fit import MIN_CALIBRATION_FRAMES, fit_assessor
from explorer.uncertainty.validation import uncertainty_quality
from explorer.workflows.relax import ReportStage

Molecules = dict[str, MoleculeData]


def evaluate_model(
    data: Path,
    folder: Path,
    settings: FitSettings,
    held_out: Path | None = None,
    progress: ReportStage = lambda what, done, total: None,
) -> ModelEvaluation:
    """Measure the errors of a trained model, calibrate its uncertainty and write its model card.

    Writes `errors.json`, `README.md` and `domain.json`, and `support.safetensors` and `calibration.json` if there are
    enough frames. The parameters of the model do not change. The evaluation can be repeated, also with other held-out
    molecules.

    Args:
        data: Dataset that the model was trained on; errors are measured on its split `test`.
        folder: Folder of the checkpoint, from `train_model`.
        settings: Settings of the training, for the model card.
        held_out: Dataset of other molecules, if any; errors are measured on all frames.
        progress: Called with (name of the items, done, total).

    Returns:
        The evaluation.

    Raises:
        ConfigError: When a held-out molecule is in the training data.
    """
    others = other_molecules(held_out, data) if held_out else {}
    molecules, (hp, params) = load_dataset(data), load_checkpoint(folder)
    _save_domain(folder, molecules, hp)
    unseen = of_split(molecules, "test")
    n_calibrated, trust = _calibrate(folder, molecules, unseen, others, hp, params, progress)
    evaluation = ModelEvaluation(
        digest=checkpoint_digest(folder),
        training_data=hp.training_data,
        held_out_data=f"{held_out.name} {file_digest(held_out)}" if held_out else "",
        test=_errors(unseen, hp, params),
        held_out=_errors(others, hp, params) if others else None,
        trust=trust,
        n_calibrated=n_calibrated,
        speed=time_forces(hp, params),
    )
    evaluation.write(folder)
    history = json.loads((folder / "history.json").read_text())
    write_card(folder, hp, settings, history, load_meta(data), evaluation)
    return evaluation


def other_molecules(path: Path, data: Path) -> Molecules:
    """Load a dataset of held-out molecules.

    Args:
        path: Dataset of held-out molecules.
        data: Training data.

    Raises:
        ConfigError: When a molecule is in both datasets.
    """
    others = load_dataset(path)
    known = sorted(others.keys() & load_dataset(data).keys())
    if known:
        raise ConfigError(
            f"{path} must have held-out molecules only, but {data} has {', '.join(known)} too. "
            "Label other molecules, or omit --held-out; the test split is always evaluated."
        )
    return others


def _errors(frames: Molecules, hp: Hyperparameters, params: Any) -> EvaluationErrors:
    return EvaluationErrors.of(residuals_of(frames, hp, params)) if frames else EvaluationErrors()


def _save_domain(folder: Path, molecules: Molecules, hp: Hyperparameters) -> None:
    """Write the domain of the training data, or remove an older one where it cannot be determined."""
    domain = Domain.of(of_split(molecules, "train"), hp)
    if domain is None:
        (folder / DOMAIN_FILE).unlink(missing_ok=True)
    else:
        domain.save(folder)


def _calibrate(
    folder: Path,
    molecules: Molecules,
    unseen: Molecules,
    others: Molecules,
    hp: Hyperparameters,
    params: Any,
    progress: ReportStage,
) -> tuple[int, UncertaintyQuality | None]:
    """Fit, test and write the uncertainty assessor; with too few held-out frames, remove an older one."""
    frames = {**unseen, **others}
    n_frames = sum(len(data.energy) for data in frames.values())
    if n_frames < MIN_CALIBRATION_FRAMES:
        for name in (SUPPORT_FILE, CALIBRATION_FILE):  # they belong to older parameters
            (folder / name).unlink(missing_ok=True)
        return 0, None
    assessor, predictions = fit_assessor(molecules, NetworkFunctions(hp), params, frames, progress)
    save_assessor(folder, assessor)
    tested, name = (others, "held-out molecules") if others else (unseen, "test split")
    return n_frames, uncertainty_quality(predictions, np.isin(predictions.molecule, list(tested)), name)
