"""Fine-tuning of the network of a round, and its evaluation."""

from pathlib import Path
from typing import Any

from explorer.active_learning.progress import LearningProgress
from explorer.evaluate.metrics import ALL
from explorer.potential.load import read_model
from explorer.train.buckets import FEW_SHAPES
from explorer.train.settings import FitSettings
from explorer.train.train_model import fine_tune_model
from explorer.workflows.evaluate_model import evaluate_model


def fine_tune(before: str, data: Path, settings: FitSettings, progress: LearningProgress) -> dict[str, Any]:
    """Train a network further, calibrate its uncertainty, and write its checkpoint into the folder of the data.

    Args:
        before: Name of the network of the round before.
        data: Dataset of the round.
        settings: Settings of the training.
        progress: Called for every epoch and during the evaluation.

    Returns:
        Mean absolute force errors on the test frames of each molecule, meV/Å.
    """
    report = progress.epoch_reporter(settings.epochs + settings.decay_epochs)
    fine_tune_model(data, data.parent, read_model(before), settings, report, FEW_SHAPES)
    evaluation = evaluate_model(data, data.parent, settings, progress=progress.count)
    return {row.molecule: row.forces_mae for row in evaluation.test.rows if row.stage == ALL}
