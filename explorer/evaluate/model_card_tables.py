"""Sections of a model card with measured numbers: errors, and the reliability of the uncertainty."""

from collections.abc import Sequence

import numpy as np

from explorer.evaluate.evaluation import EvaluationErrors, ModelEvaluation, UncertaintyQuality
from explorer.evaluate.metrics import ALL, AtomRow
from explorer.wording import number_text

MAX_LISTED_MOLECULES = 12  # for more molecules, only the total is shown; not tuned


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown.

    Args:
        header: Titles of the columns.
        rows: Texts of the cells.
    """
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, ("---",) * len(header), *rows))


def error_sections(evaluation: ModelEvaluation) -> list[str]:
    """Return the sections on errors: on the test split, and on held-out molecules where there are any."""
    parts = [
        "## Errors on the test split",
        "The test split contains other conformers of the training molecules. Energies (E) are in meV per atom, force "
        "components (F) in meV/Å, torques about rotatable bonds in meV/rad.",
        *_errors(evaluation.test),
    ]
    if evaluation.held_out is None:
        return parts
    file, _, sha256 = evaluation.held_out_data.partition(" ")
    return [
        *parts,
        "## Errors on held-out molecules",
        f"Molecules that are not in the training data: `{file}`, sha256 `{sha256}`.",
        *_errors(evaluation.held_out),
    ]


def _errors(errors: EvaluationErrors) -> list[str]:
    atoms = ("atoms", "F MAE", "F RMSE")
    parts = [
        table(("molecule", "stage", "frames", "E MAE", "E RMSE", "F MAE", "F RMSE", "torque MAE"), _frame_rows(errors)),
        table(("element", *atoms), _atom_rows(errors.elements)),
        table(("residue", *atoms), _atom_rows(errors.residues)),
    ]
    if errors.minima:
        rows = [
            (
                *(r.molecule, str(r.n_minima), f"{r.mae:.2f}", number_text(r.rank_correlation)),
                *(str(r.n_low), number_text(r.low_mae), number_text(r.low_rank_correlation)),
            )
            for r in errors.minima
        ]
        columns = ("minima", "MAE (kcal/mol)", "rank correlation")
        parts += [
            "Energies of minima of the reference method, relative to their mean over the minima of each molecule, and "
            "the same for minima up to 5 kcal/mol above the lowest. Rank correlations of all molecules are medians.",
            table(("molecule", *columns, *(f"{name}, low" for name in columns)), rows),
        ]
    return parts


def _frame_rows(errors: EvaluationErrors) -> list[tuple[str, ...]]:
    """Return the rows with the total of each molecule, and with each stage over all molecules."""
    n_molecules = len({r.molecule for r in errors.rows} - {ALL})
    return [
        (
            r.molecule,
            r.stage,
            str(r.n_frames),
            *(f"{getattr(r, k):.2f}" for k in ("energy_mae", "energy_rmse")),
            *(f"{getattr(r, k):.1f}" for k in ("forces_mae", "forces_rmse")),
            number_text(r.torques_mae, 1),
        )
        for r in errors.rows
        if r.molecule == ALL or (r.stage == ALL and n_molecules <= MAX_LISTED_MOLECULES)
    ]


def _atom_rows(rows: Sequence[AtomRow]) -> list[tuple[str, ...]]:
    return [(r.kind, str(r.n_atoms), f"{r.forces_mae:.1f}", f"{r.forces_rmse:.1f}") for r in rows]


def uncertainty_section(evaluation: ModelEvaluation) -> list[str]:
    """Return the section on the uncertainty: its calibration, and its agreement with the true errors."""
    if not evaluation.n_calibrated:
        return [
            "## Uncertainty",
            "The uncertainty is not calibrated: there are too few frames that were not used for training.",
        ]
    parts = [
        "## Uncertainty",
        f"The uncertainty is calibrated on {evaluation.n_calibrated} frames that were not used for training "
        "(`calibration.json`).",
    ]
    if evaluation.trust is None:
        return [*parts, "All of these are of one molecule, so that there are no other frames to test the calibration."]
    return [*parts, _quality(evaluation.trust)]


def _quality(quality: UncertaintyQuality) -> str:
    text = (
        f"It was tested on {quality.n_frames} frames of the {quality.frames}; each molecule was assessed with a "
        "calibration that leaves out its frames. Within a molecule, the rank correlation of expected and true force "
        "errors has a median of "
        f"{number_text(quality.force_correlation)}"
    )
    if np.isfinite(quality.energy_correlation):
        text += (
            "; that of the spread of the committee and the true error, both of energies relative to the mean of a "
            f"molecule, is {number_text(quality.energy_correlation)}"
        )
    return text + (
        f". {100 * quality.trusted:.0f} % of these frames are classified as trusted. Not trusted are "
        f"{100 * quality.farthest_flagged:.0f} % of the 1 % farthest from the training data and "
        f"{100 * quality.worst_flagged:.0f} % of the 1 % with the largest force errors."
    )
