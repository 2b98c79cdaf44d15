"""Model card: training data, errors, reliability of the uncertainty, speed, settings and limits of a checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ase.data import chemical_symbols

from explorer.evaluate.evaluation import ERRORS_FILE, ModelEvaluation
from explorer.evaluate.model_card_tables import MAX_LISTED_MOLECULES, error_sections, table, uncertainty_section
from explorer.files import write_text
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.settings import FitSettings

_NOT_LISTED = ("atomic_energies", "trained_elements", "reference", "training_data", "tuned_from")


def write_card(
    folder: Path,
    hp: Hyperparameters,
    settings: FitSettings,
    history: Sequence[dict],
    meta: dict,
    evaluation: ModelEvaluation,
) -> Path:
    """Write `README.md` into a checkpoint folder.

    Args:
        folder: Folder of the checkpoint; its name is the title.
        hp: Hyperparameters of the network.
        settings: Settings of the training.
        history: One record per epoch.
        meta: Provenance that is stored with the training data.
        evaluation: Evaluation of the model.

    Returns:
        The path of the file.
    """
    elements = " ".join(chemical_symbols[z] for z in hp.trained_elements)
    parts = [
        f"# {folder.resolve().name}",
        f"A SO3krates network for {elements}, trained on {hp.reference or 'an unknown reference method'}. "
        f"Digest `{evaluation.digest}`. `{ERRORS_FILE}` contains all numbers of this page and more.",
        *_data(hp, meta),
        *error_sections(evaluation),
        *uncertainty_section(evaluation),
        *_speed(evaluation),
        *_training(hp, settings, history, evaluation),
        *_limits(hp),
    ]
    return write_text("\n\n".join(part.strip() for part in parts) + "\n", folder / "README.md")


def _data(hp: Hyperparameters, meta: dict) -> list[str]:
    file, _, sha256 = hp.training_data.partition(" ")
    return [
        "## Training data",
        f"`{file}`, sha256 `{sha256}`. All frames of a conformer are in the same split.",
        table(("molecule", "frames", "conformers"), _data_rows(meta)),
        f"{len(meta.get('failures', []))} labelling failures. Frames left out: "
        f"{meta.get('frames_above_max_force', 0)} with forces above the limit, "
        f"{meta.get('frames_above_max_energy', 0)} with energies above the limit, "
        f"{meta.get('frames_with_broken_bonds', 0)} with broken bonds.",
    ]


def _data_rows(meta: dict) -> list[tuple[str, ...]]:
    frames, conformers = meta.get("frames", {}), meta.get("conformers", {})
    if len(frames) > MAX_LISTED_MOLECULES:
        return [(f"{len(frames)} molecules", str(sum(frames.values())), str(sum(conformers.values())))]
    return [(name, str(n), str(conformers.get(name, ""))) for name, n in frames.items()]


def _speed(evaluation: ModelEvaluation) -> list[str]:
    speed = evaluation.speed
    return [
        "## Speed",
        f"{speed.milliseconds:.2g} ms per structure for energy and forces of {speed.molecule} ({speed.n_atoms} atoms) "
        f"in batches of {speed.batch}, float32, on {speed.device}.",
    ]


def _training(
    hp: Hyperparameters, settings: FitSettings, history: Sequence[dict], evaluation: ModelEvaluation
) -> list[str]:
    file = hp.training_data.partition(" ")[0]
    held_out = evaluation.held_out_data.partition(" ")[0]
    minutes = sum(record["seconds"] for record in history) / 60
    options = " --from MODEL" * bool(hp.tuned_from) + f" --held-out {held_out}" * bool(held_out)
    call = f"`pes-explore train {file}{options}`"
    if hp.tuned_from:
        call += f", starting from the model with digest `{hp.tuned_from}`"
    return [
        "## Training",
        f"{call}: {len(history)} epochs, {minutes:.0f} minutes. The checkpoint contains the moving average of the "
        "parameters after the last epoch. `learning_curve.svg` shows the errors of all epochs.",
        table(("setting", "value"), [(k, str(v)) for k, v in asdict(settings).items()]),
        "## Hyperparameters",
        table(("name", "value"), [(k, str(v)) for k, v in asdict(hp).items() if k not in _NOT_LISTED]),
    ]


def _limits(hp: Hyperparameters) -> list[str]:
    reach = f"{hp.n_layers} x {hp.cutoff} Å"
    return [
        "## Limits",
        "The model is meant for the molecules above and for similar ones. Energies are relative to fitted atomic "
        "energies: only energy differences at one composition are meaningful. Atoms within "
        f"{hp.cutoff} Å interact directly; atoms up to {reach} apart interact only through atoms between them. "
        + (
            f"Beyond {reach}, only partial charges interact. "
            if hp.electrostatics
            else f"Beyond {reach}, there are no interactions. "
        )
        + "Structures with broken bonds, or hotter than the training data, are extrapolations. "
        + _of_charge_and_spin(hp),
    ]


def _of_charge_and_spin(hp: Hyperparameters) -> str:
    if hp.charge_spin_embedding:
        return ""
    if hp.electrostatics:
        return "The total charge enters the energy only through the partial charges, and the spin not at all. "
    return "The energy does not depend on total charge and spin. "
