"""The model card: what a checkpoint was trained on, how well it does, and what it cannot do."""

from dataclasses import asdict
from pathlib import Path

from ase.data import chemical_symbols

from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.fit import FitSettings
from explorer.train.metrics import ALL, ErrorRow

MOST_LISTED = 12  # molecules; of more, only the sum is shown
NOT_LISTED = ("atomic_energies", "trained_elements", "reference", "training_data")


def write_card(
    folder: Path,
    hp: Hyperparameters,
    settings: FitSettings,
    digest: str,
    history: list[dict],
    errors: list[ErrorRow],
    meta: dict,
) -> Path:
    """Write `README.md` into a checkpoint folder.

    Args:
        folder: of the checkpoint; its name is the title.
        hp: of the network.
        settings: of the training.
        digest: of the checkpoint's files.
        history: one record per epoch.
        errors: on the test set.
        meta: provenance stored with the training data.
    """
    elements = " ".join(chemical_symbols[z] for z in hp.trained_elements)
    file, _, sha256 = hp.training_data.partition(" ")
    seconds = sum(record["seconds"] for record in history)
    parts = [
        f"# {folder.resolve().name}",
        f"A SO3krates network for {elements}, trained on {hp.reference or 'an unstated reference'}. Digest `{digest}`.",
        "## Data",
        f"`{file}`, sha256 `{sha256}`. Split by conformer, not by frame.",
        _table(("molecule", "frames", "conformers"), _data_rows(meta)),
        f"Failures while labelling: {len(meta.get('failures', []))}; "
        f"frames left out because of forces above the limit: {meta.get('frames_above_max_force', 0)}, "
        f"because of such energies: {meta.get('frames_above_max_energy', 0)}, "
        f"because of broken bonds: {meta.get('frames_with_broken_bonds', 0)}.",
        "## Errors on the test set",
        "Energies in meV per atom, force components in meV/Å.",
        _table(("molecule", "stage", "frames", "E MAE", "E RMSE", "F MAE", "F RMSE"), _error_rows(errors)),
        "## How it was made",
        f"{_made(file, meta)}: {len(history)} epochs, {seconds / 60:.0f} minutes; "
        "the averaged parameters at its end are kept. `learning_curve.svg` shows all epochs.",
        _table(("setting", "value"), [(k, str(v)) for k, v in asdict(settings).items()]),
        "## Hyperparameters",
        _table(("name", "value"), [(k, str(v)) for k, v in asdict(hp).items() if k not in NOT_LISTED]),
        "## Limits",
        "Made for the molecules above and what resembles them. Energies are relative to fitted atomic energies, so "
        "that only differences at one composition have a meaning. There are no interactions beyond "
        f"{hp.n_layers} x {hp.cutoff} Å, and none between atoms further than {hp.cutoff} Å in one step. "
        "Broken bonds and geometries hotter than the training data are extrapolation. "
        + ("" if hp.charge_spin_embedding else "Total charge and spin do not enter the energy. "),
    ]
    path = folder / "README.md"
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return path


def _made(file: str, meta: dict) -> str:
    if "tuned_from" in meta:
        return f"Trained on by `pes-explore learn`, with `{file}`, from the network with digest `{meta['tuned_from']}`"
    return f"`pes-explore train {file}`"


def _data_rows(meta: dict) -> list[tuple[str, ...]]:
    frames, conformers = meta.get("frames", {}), meta.get("conformers", {})
    if len(frames) > MOST_LISTED:
        return [(f"{len(frames)} molecules", str(sum(frames.values())), str(sum(conformers.values())))]
    return [(name, str(n), str(conformers.get(name, ""))) for name, n in frames.items()]


def _error_rows(errors: list[ErrorRow]) -> list[tuple[str, ...]]:
    n_molecules = len({r.molecule for r in errors})
    return [
        (r.molecule, r.stage, str(r.n_frames), *(f"{getattr(r, k):.2f}" for k in ("energy_mae", "energy_rmse")),
         *(f"{getattr(r, k):.1f}" for k in ("forces_mae", "forces_rmse")))
        for r in errors if n_molecules <= MOST_LISTED or r.molecule == ALL
    ]  # fmt: skip


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
