"""The model card: what a checkpoint was trained on, how well it does, and what it cannot do."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ase.data import chemical_symbols

from explorer.evaluate.evaluation import ERRORS, ModelEvaluation
from explorer.evaluate.model_card_tables import MOST_MOLECULES, error_sections, table, uncertainty_section
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.trainer import FitSettings

NOT_LISTED = ("atomic_energies", "trained_elements", "reference", "training_data", "tuned_from")


def write_card(
    folder: Path,
    hp: Hyperparameters,
    settings: FitSettings,
    history: Sequence[dict],
    meta: dict,
    examination: ModelEvaluation,
) -> Path:
    """Write `README.md` into a checkpoint folder.

    Args:
        folder: of the checkpoint; its name is the title.
        hp: of the network.
        settings: of the training.
        history: one record per epoch.
        meta: provenance stored with the training data.
        examination: what was measured.
    """
    elements = " ".join(chemical_symbols[z] for z in hp.trained_elements)
    parts = [
        f"# {folder.resolve().name}",
        f"A SO3krates network for {elements}, trained on {hp.reference or 'an unstated reference'}. "
        f"Digest `{examination.digest}`. All figures of this page, and more of them, are in `{ERRORS}`.",
        *_data(hp, meta),
        *error_sections(examination),
        *uncertainty_section(examination),
        *_speed(examination),
        *_making(hp, settings, history, examination),
        *_limits(hp),
    ]
    path = folder / "README.md"
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return path


def _data(hp: Hyperparameters, meta: dict) -> list[str]:
    file, _, sha256 = hp.training_data.partition(" ")
    return [
        "## Data",
        f"`{file}`, sha256 `{sha256}`. Split by conformer, not by frame.",
        table(("molecule", "frames", "conformers"), _data_rows(meta)),
        f"Failures while labelling: {len(meta.get('failures', []))}; "
        f"frames left out because of forces above the limit: {meta.get('frames_above_max_force', 0)}, "
        f"because of such energies: {meta.get('frames_above_max_energy', 0)}, "
        f"because of broken bonds: {meta.get('frames_with_broken_bonds', 0)}.",
    ]


def _data_rows(meta: dict) -> list[tuple[str, ...]]:
    frames, conformers = meta.get("frames", {}), meta.get("conformers", {})
    if len(frames) > MOST_MOLECULES:
        return [(f"{len(frames)} molecules", str(sum(frames.values())), str(sum(conformers.values())))]
    return [(name, str(n), str(conformers.get(name, ""))) for name, n in frames.items()]


def _speed(examination: ModelEvaluation) -> list[str]:
    speed = examination.speed
    return [
        "## Speed",
        f"{speed.milliseconds:.2g} ms per structure for energy and forces of {speed.molecule} ({speed.n_atoms} atoms) "
        f"in batches of {speed.batch}, float32, on {speed.device}.",
    ]


def _making(
    hp: Hyperparameters, settings: FitSettings, history: Sequence[dict], examination: ModelEvaluation
) -> list[str]:
    file = hp.training_data.partition(" ")[0]
    held_out = examination.held_out_data.partition(" ")[0]
    seconds = sum(record["seconds"] for record in history)
    options = " --from MODEL" * bool(hp.tuned_from) + f" --held-out {held_out}" * bool(held_out)
    call = f"`pes-explore train {file}{options}`"
    if hp.tuned_from:
        call += f" with the model of digest `{hp.tuned_from}`"
    return [
        "## How it was made",
        f"{call}: {len(history)} epochs, {seconds / 60:.0f} minutes; "
        "the averaged parameters at its end are kept. `learning_curve.svg` shows all epochs.",
        table(("setting", "value"), [(k, str(v)) for k, v in asdict(settings).items()]),
        "## Hyperparameters",
        table(("name", "value"), [(k, str(v)) for k, v in asdict(hp).items() if k not in NOT_LISTED]),
    ]


def _limits(hp: Hyperparameters) -> list[str]:
    beyond = "only partial charges act on each other" if hp.electrostatics else "there are no interactions"
    return [
        "## Limits",
        "Made for the molecules above and what resembles them. Energies are relative to fitted atomic energies, so "
        f"that only differences at one composition have a meaning. Beyond {hp.n_layers} x {hp.cutoff} Å {beyond}, and "
        f"beyond {hp.cutoff} Å what atoms tell each other goes over others between them. "
        "Broken bonds and geometries hotter than the training data are extrapolation. "
        + ("" if hp.charge_spin_embedding else "Total charge and spin do not enter the energy. "),
    ]
