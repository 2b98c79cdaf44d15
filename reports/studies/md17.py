"""Check of the training code on published data: MD17 ethanol, 950 + 50 frames, tested on others.

    python reports/studies/md17.py --train ethanol.npz --test test1000.extxyz --out reports/md17-ethanol

Both files come from one picosecond: the 1000 frames of the test file are the first half of the training file. The
network is trained on 1000 random frames and tested on the frames of the test file that are not among them; a test
frame is 0.5 fs from a training frame. With `--apart` the second half is used for training and the first for the test,
which is extrapolation. An interrupted training resumes when the same command is given again.
Source: Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015.
"""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import ase.io
import numpy as np

from explorer.dataset.dataset import MoleculeData, file_digest
from explorer.devices import configure_jax
from explorer.errors import InputError
from explorer.evaluate.metrics import ALL, frame_errors
from explorer.files import write_json
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.learning_curve import write_learning_curve
from explorer.train.phases import train_phases
from explorer.train.settings import FitSettings
from explorer.train.train_model import complete_hyperparameters
from explorer.units import KCAL_PER_MOL

N_TRAIN, N_VALIDATION = 950, 50
# eV; the two files use different factors: with this one the mean energies agree to 0.01 eV instead of 0.4 eV
TEST_KCAL_PER_MOL = 0.04336
MODEL = Hyperparameters(
    n_features=96, degrees=(1, 2, 3), n_radial=24, cutoff=5.0, charge_spin_embedding=False, zbl=False
)
FIT = FitSettings(epochs=200, decay_epochs=40, batch_size=10, learning_rate=1e-2, energy_weight=0.3)


def load_frames(train: Path, test: Path, apart: bool = False, seed: int = 0) -> MoleculeData:
    """Return 1000 random frames of one file, and the frames of another that are not among them.

    Args:
        train: Frames for training and validation, npz in kcal/mol.
        test: Frames for the test, extended XYZ in eV.
        apart: Whether to exclude the frames of `test` from training and validation.
        seed: Seed of the choice.

    Raises:
        InputError: When there are fewer than 1000 frames.
    """
    frames = list(ase.io.iread(test, index=":"))
    test_positions = np.array([atoms.positions for atoms in frames])
    with np.load(train) as archive:
        allowed = ~_is_among(archive["R"], test_positions) if apart else np.ones(len(archive["R"]), bool)
        chosen = np.random.default_rng(seed).permutation(np.flatnonzero(allowed))[: N_TRAIN + N_VALIDATION]
        if len(chosen) < N_TRAIN + N_VALIDATION:
            raise InputError(f"{train} has {len(chosen)} frames that are not in {test}; 1000 are wanted.")
        numbers, positions = archive["z"], archive["R"][chosen]
        energy, forces = (archive[key][chosen] * KCAL_PER_MOL for key in ("E", "F"))
    unseen = np.flatnonzero(~_is_among(test_positions, positions))
    frames, test_positions = [frames[k] for k in unseen], test_positions[unseen]
    test_energy = np.array([atoms.info["REF_energy"] for atoms in frames]) * (KCAL_PER_MOL / TEST_KCAL_PER_MOL)
    positions = np.concatenate([positions, test_positions])
    splits = ["train"] * N_TRAIN + ["validation"] * N_VALIDATION + ["test"] * len(frames)
    return MoleculeData(
        atomic_numbers=numbers,
        bonds=np.empty((0, 2), dtype=int),
        total_charge=0,
        positions=positions - positions.mean(axis=1, keepdims=True),
        energy=np.concatenate([energy.ravel(), test_energy]),
        forces=np.concatenate([forces, [atoms.arrays["REF_forces"] for atoms in frames]]),
        conformer=np.full(len(positions), "ethanol"),
        stage=np.full(len(positions), "dynamics-500"),
        split=np.array(splits),
    )


def _is_among(positions: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which structures have the interatomic distances of one of the others within 0.001 Å (rms)."""
    first, second = np.triu_indices(positions.shape[1], 1)
    rows, known = (np.linalg.norm(x[:, first] - x[:, second], axis=-1) for x in (positions, others))
    return np.array([((known - row) ** 2).mean(axis=1).min() < 1e-6 for row in rows])


def main(arguments: list[str] | None = None) -> Path:
    """Train, test, and write `summary.json`, the learning curve and the checkpoint.

    Args:
        arguments: Command line; that of the process if None.

    Returns:
        Path of the summary.
    """
    parser = argparse.ArgumentParser(prog="python reports/studies/md17.py", description=str(__doc__).splitlines()[0])
    for name in ("train", "test", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--epochs", type=int, default=FIT.epochs)
    parser.add_argument("--features", type=int, default=MODEL.n_features)
    args = parser.parse_args(arguments)
    configure_jax()
    data = {"ethanol": load_frames(args.train, args.test, args.apart)}
    hp = complete_hyperparameters(
        replace(MODEL, n_features=args.features), data, "PBE+TS", f"{args.train.name} {file_digest(args.train)}"
    )
    settings = replace(FIT, epochs=args.epochs)
    params, history = train_phases(data, hp, settings, args.out / "training.part", _report)
    save_checkpoint(args.out / "checkpoint", hp, params)
    write_learning_curve(args.out / "learning_curve.svg", history)
    (total,) = (row for row in frame_errors(data, hp, params) if row.molecule == ALL and row.stage == ALL)
    summary = {
        "force_mae_kcal_mol_angstrom": total.forces_mae / 1000 / KCAL_PER_MOL,
        "energy_mae_kcal_mol": total.energy_mae / 1000 * len(data["ethanol"].atomic_numbers) / KCAL_PER_MOL,
        "n_test": total.n_frames,
        "apart": args.apart,
        "epochs": len(history),
        "minutes": sum(record["seconds"] for record in history) / 60,
        "test": f"{args.test.name} {file_digest(args.test)}",
        "model": asdict(hp),
        "fit": asdict(settings),
    }
    return write_json(summary, args.out / "summary.json")


def _report(record: dict) -> None:
    force = record["validation_forces"] / KCAL_PER_MOL
    print(f"epoch {record['epoch'] + 1}: {record['seconds']:.1f} s, {force:.3f} kcal/mol/Å", file=sys.stderr)


if __name__ == "__main__":
    print(main())
