"""The measured part of a model card: errors by molecule, stage, element and residue, and whether they are foreseen."""

from collections.abc import Sequence

from explorer.evaluate.evaluation import EvaluationErrors, ModelEvaluation, UncertaintyQuality
from explorer.evaluate.metrics import ALL, AtomRow

MOST_MOLECULES = 12  # of more, only the sum is shown


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, ("---",) * len(header), *rows))


def error_sections(examination: ModelEvaluation) -> list[str]:
    """Errors on the test split and on the held-out molecules."""
    parts = [
        "## Errors on the test split",
        "Other conformers of the molecules of the training. Energies in meV per atom, force components in meV/Å, "
        "torques about bonds that turn in meV/rad.",
        *_errors(examination.test),
    ]
    if examination.held_out is None:
        return parts
    file, _, sha256 = examination.held_out_data.partition(" ")
    return [
        *parts,
        "## Errors on held-out molecules",
        f"Molecules that are not in the training data: `{file}`, sha256 `{sha256}`.",
        *_errors(examination.held_out),
    ]


def _errors(errors: EvaluationErrors) -> list[str]:
    atoms = ("atoms", "F MAE", "F RMSE")
    parts = [
        table(("molecule", "stage", "frames", "E MAE", "E RMSE", "F MAE", "F RMSE", "torque MAE"), _frame_rows(errors)),
        table(("element", *atoms), _atom_rows(errors.elements)),
        table(("residue", *atoms), _atom_rows(errors.residues)),
    ]
    if errors.minima:
        rows = [(r.molecule, str(r.n_minima), f"{r.mae:.2f}", _number(r.rank_correlation)) for r in errors.minima]
        parts += [
            "Energies of minima of the reference, relative to their mean over each molecule:",
            table(("molecule", "minima", "MAE (kcal/mol)", "rank correlation"), rows),
        ]
    return parts


def _frame_rows(errors: EvaluationErrors) -> list[tuple[str, ...]]:
    """Of every molecule its sum, and of the sum every stage."""
    n_molecules = len({r.molecule for r in errors.rows} - {ALL})
    return [
        (
            r.molecule,
            r.stage,
            str(r.n_frames),
            *(f"{getattr(r, k):.2f}" for k in ("energy_mae", "energy_rmse")),
            *(f"{getattr(r, k):.1f}" for k in ("forces_mae", "forces_rmse")),
            _number(r.torques_mae, 1),
        )
        for r in errors.rows
        if r.molecule == ALL or (r.stage == ALL and n_molecules <= MOST_MOLECULES)
    ]


def _atom_rows(rows: Sequence[AtomRow]) -> list[tuple[str, ...]]:
    return [(r.kind, str(r.n_atoms), f"{r.forces_mae:.1f}", f"{r.forces_rmse:.1f}") for r in rows]


def uncertainty_section(examination: ModelEvaluation) -> list[str]:
    """Whether the model knows where it is wrong."""
    if not examination.n_calibrated:
        return ["## Uncertainty", "It is not calibrated: there are too few frames that were not trained on."]
    parts = [
        "## Uncertainty",
        f"It is calibrated on {examination.n_calibrated} frames that were not trained on (`calibration.json`).",
    ]
    if examination.trust is None:
        return [*parts, "All of them are of one molecule, so that nothing is left to check it with."]
    return [*parts, _trust(examination.trust)]


def _trust(trust: UncertaintyQuality) -> str:
    text = (
        f"Checked on {trust.n_frames} frames of the {trust.frames}, each by a calibration without its molecule: rank "
        f"correlation of expected and true error of the forces {_number(trust.force_correlation)}"
    )
    if trust.energy_correlation is not None:
        text += (
            ", of the spread of the committee and the true error of energies relative to the mean of a molecule "
            f"{_number(trust.energy_correlation)}"
        )
    return text + (
        f". {100 * trust.trusted:.0f} % of these frames are called trusted; of the 1 % farthest from the training data "
        f"{100 * trust.farthest_flagged:.0f} % are not, and of the 1 % with the largest errors "
        f"{100 * trust.worst_flagged:.0f} % are not."
    )


def _number(value: float | None, decimals: int = 2) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
