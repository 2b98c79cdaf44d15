"""The network of a round: the one before, trained on with the new labels, and what it knows of its own limits."""

from pathlib import Path
from typing import Any

from explorer.active_learning.progress import LearningProgress
from explorer.evaluate.metrics import ALL
from explorer.potential.load import read_model
from explorer.train.buckets import FEW_SHAPES
from explorer.train.train_model import fine_tune_model
from explorer.train.trainer import FitSettings
from explorer.workflows.evaluate_model import evaluate_model


def fine_tune(before: str, data: Path, settings: FitSettings, watch: LearningProgress) -> dict[str, Any]:
    """Write the checkpoint folder of a round beside its data.

    Args:
        before: name of the network to begin with.
        data: of the round; its folder becomes the checkpoint.
        settings: of the training.
        watch: told of every epoch and of what is measured.

    Returns:
        Force errors on the test frames of each molecule, meV/Å.
    """
    report = watch.epochs(settings.epochs + settings.decay_epochs)
    fine_tune_model(data, data.parent, read_model(before), settings, report, FEW_SHAPES)
    found = evaluate_model(data, data.parent, settings, progress=watch.count)
    return {row.molecule: row.forces_mae for row in found.test.rows if row.stage == ALL}
