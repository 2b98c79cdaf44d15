"""Comparison of networks and training settings after the same time on one core.

    python reports/studies/training_search.py --data DATA.npz --out reports/bench/training-search.json

Each variant of a base is trained for the same processor time without compilation; in the last 30 % of it the learning
rate decays. Its errors are measured on the validation frames, so that the frames held out for the final model have no
influence on its design. Variants that are in the file already are not trained again.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from explorer.dataset.dataset import MoleculeData, load_dataset, load_meta
from explorer.devices import configure_jax
from explorer.evaluate.metrics import ALL, frame_errors
from explorer.files import write_json
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.schedule import rate
from explorer.train.settings import FitSettings
from explorer.train.train_model import complete_hyperparameters
from explorer.train.trainer import Trainer

_N_SEARCH_SHAPES = 4  # padded shapes; each takes a quarter of a minute to compile
_DECAY_SHARE = 0.3  # share of the time with a decaying learning rate; not tuned
MODEL = Hyperparameters(n_features=64, n_radial=24, radial_filter="linear", electrostatics=True, n_members=8)
FIT = FitSettings(ema_decay=0.99, warmup=200, energy_weight=2.0)
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "base": {},
    "two layers of 96 features": {"model": {"n_layers": 2, "n_features": 96}},
    "two layers": {"model": {"n_layers": 2}},
    "two layers of two channels": {"model": {"n_layers": 2, "n_channels": 2}},
    "no electrostatics": {"model": {"electrostatics": False}},
    "no committee": {"model": {"n_members": 1}},
    "learning rate 0.02": {"fit": {"learning_rate": 0.02}},
    "learning rate 0.005": {"fit": {"learning_rate": 0.005}},
    "batch 16": {"fit": {"batch_size": 16}},
    "energy weight 20": {"fit": {"energy_weight": 20.0}},
}


def train_for(
    molecules: dict[str, MoleculeData], hp: Hyperparameters, settings: FitSettings, seconds: float
) -> tuple[Any, int]:
    """Train for a time and return the averaged parameters and the number of frames.

    Args:
        molecules: Labelled frames by molecule.
        hp: Hyperparameters of the network.
        settings: Settings of the training.
        seconds: Processor time, s.
    """
    training = Trainer(molecules, hp, settings, _N_SEARCH_SHAPES)
    state = training.start()
    for k in range(len(training.train)):  # compile
        jax.block_until_ready(training.step(state, k, np.arange(settings.batch_size), 0.0)[1])
    began, decay, epoch, n = time.process_time(), None, 0, 0
    while True:
        for k, index in training.batches(epoch):
            elapsed = (time.process_time() - began) / seconds
            if elapsed >= 1:
                return state.ema, n * settings.batch_size
            if decay is None and elapsed >= 1 - _DECAY_SHARE:
                decay = n, round(n * _DECAY_SHARE / (1 - _DECAY_SHARE))
            level = rate(min(n, sum(decay) - 1) if decay else n, settings.warmup, decay)
            state, errors = training.step(state, k, index, level)
            jax.block_until_ready(errors)
            n += 1
        epoch += 1


def search(data: Path, seconds: float, out: Path, names: list[str]) -> None:
    """Train variants and add each to a file as soon as it is measured.

    Args:
        data: Data set.
        seconds: Processor time of each variant, s.
        out: JSON file with the results.
        names: Keys of `VARIANTS`.
    """
    molecules = load_dataset(data)
    results = json.loads(out.read_text()) if out.exists() else {"seconds": seconds, "variants": {}}
    for name in names:
        if name in results["variants"]:
            continue
        changes = VARIANTS[name]
        start = replace(MODEL, **changes.get("model", {}))
        hp = complete_hyperparameters(start, molecules, load_meta(data)["reference"], data.name)
        settings = replace(FIT, **changes.get("fit", {}))
        params, n_frames = train_for(molecules, hp, settings, seconds)
        row = next(r for r in frame_errors(molecules, hp, params, "validation") if r.molecule == r.stage == ALL)
        result = {"changes": changes, "frames_per_second": round(n_frames / seconds, 1)}
        result |= {k: round(float(getattr(row, f"{k}_mae")), 3) for k in ("energy", "forces")}
        results["variants"][name] = result
        write_json(results, out)
        print(name, {k: v for k, v in result.items() if k != "changes"}, flush=True)


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    given = parser.parse_args()
    configure_jax(1)
    search(given.data, given.seconds, given.out, given.variants)


if __name__ == "__main__":
    main()
