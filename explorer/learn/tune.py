"""The network of a round: the one before, trained on with the new labels, and what it knows of its own limits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.potential.checkpoint import load_checkpoint
from explorer.potential.load import read_model
from explorer.train.dataset import MoleculeData, load_dataset
from explorer.train.fit import FitSettings
from explorer.train.make import tune_model
from explorer.train.metrics import ALL
from explorer.uncertainty.assess import save_assessor
from explorer.uncertainty.make import FEWEST, make_assessor


def tune(before: str, data: Path, settings: FitSettings, report: Callable[[dict], None]) -> dict[str, Any]:
    """Write the checkpoint folder of a round beside its data.

    Args:
        before: name of the network to begin with.
        data: of the round; its folder becomes the checkpoint.
        settings: of the training.
        report: called after each epoch with its record.

    Returns:
        Force errors on the test frames of each molecule, meV/Å.
    """
    hp, params, _, _ = read_model(before)
    rows = tune_model(data, data.parent, hp, params, settings, report)
    add_assessor(data.parent, load_dataset(data))
    return {row.molecule: row.forces_mae for row in rows if row.stage == ALL}


def add_assessor(folder: Path, molecules: dict[str, MoleculeData]) -> None:
    """Write what a network knows of its limits into its folder; nothing where too few frames are held out.

    Args:
        folder: of the checkpoint.
        molecules: its data.
    """
    hp, params = load_checkpoint(folder)
    kept = {name: data.select(np.asarray(data.split) != "train") for name, data in molecules.items()}
    kept = {name: data for name, data in kept.items() if len(data.energy)}
    if sum(len(data.energy) for data in kept.values()) >= FEWEST:
        save_assessor(folder, make_assessor(molecules, hp, params, kept))
