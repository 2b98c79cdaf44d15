"""A finished checkpoint on frames that it was not trained on: errors, calibration of its uncertainty, model card."""

import json
from collections.abc import Callable
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
from explorer.train.trainer import FitSettings
from explorer.uncertainty.assessor import CALIBRATION, SUPPORT, save_assessor
from explorer.uncertainty.fit import FEWEST, fit_assessor
from explorer.uncertainty.validation import uncertainty_quality

Molecules = dict[str, MoleculeData]
ReportStage = Callable[[str, int, int], None]


def evaluate_model(
    data: Path,
    folder: Path,
    settings: FitSettings,
    held_out: Path | None = None,
    progress: ReportStage = lambda what, done, total: None,
) -> ModelEvaluation:
    """Measure a trained model, calibrate its uncertainty and write its card; the model stays as it is.

    Writes `errors.json`, `README.md` and, where there are frames enough, `support.safetensors` and
    `calibration.json`. It may be repeated, with other held-out molecules too.

    Args:
        data: dataset that the model was trained on; its split `test` is measured.
        folder: of the checkpoint, as `train_model` left it.
        settings: of the training, for the card.
        held_out: dataset of other molecules, all frames of which are measured.
        progress: called with what is counted, how many are done, and of how many.

    Raises:
        ConfigError: when a held-out molecule is in the training data.
    """
    others = other_molecules(held_out, data) if held_out else {}
    molecules, (hp, params) = load_dataset(data), load_checkpoint(folder)
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
    """Molecules of a dataset, none of which is in another one.

    Raises:
        ConfigError: when some are.
    """
    others = load_dataset(path)
    known = sorted(others.keys() & load_dataset(data).keys())
    if known:
        raise ConfigError(
            f"Held-out molecules were wanted in {path}, but {data} has {', '.join(known)} too. "
            "Label others, or leave --held-out away: the test split is measured anyway."
        )
    return others


def _errors(frames: Molecules, hp: Hyperparameters, params: Any) -> EvaluationErrors:
    return EvaluationErrors.of(residuals_of(frames, hp, params)) if frames else EvaluationErrors()


def _calibrate(
    folder: Path,
    molecules: Molecules,
    unseen: Molecules,
    others: Molecules,
    hp: Hyperparameters,
    params: Any,
    progress: ReportStage,
) -> tuple[int, UncertaintyQuality | None]:
    """Write the assessor and check it on frames left out; with too few of them, take an older one away."""
    frames = {**unseen, **others}
    n_frames = sum(len(data.energy) for data in frames.values())
    if n_frames < FEWEST:
        for name in (SUPPORT, CALIBRATION):  # of other parameters
            (folder / name).unlink(missing_ok=True)
        return 0, None
    assessor, judged = fit_assessor(molecules, hp, params, frames, progress)
    save_assessor(folder, assessor)
    asked, name = (others, "held-out molecules") if others else (unseen, "test split")
    return n_frames, uncertainty_quality(judged, np.isin(judged.molecule, list(asked)), name)
