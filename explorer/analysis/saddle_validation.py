"""Barriers of a model beside those of a reference method, from transition states that were refined with it."""

from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.records.comparisons import SaddleValidation
from explorer.records.run import RunRecord
from explorer.units import KCAL_PER_MOL
from explorer.wording import counted

SADDLE_VALIDATION_COLUMNS = (
    "saddle",
    "minima",
    "barriers of the model (kcal/mol)",
    "of the reference (kcal/mol)",
    "error (kcal/mol)",
    "RMSD (Å)",
    "remark",
)


def barrier_pairs(
    run: RunRecord, validation: SaddleValidation
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Return the barriers from both minima of a transition state with the model, and with the reference, eV.

    Those of the reference are NaN where it has no saddle between the same two minima.

    Args:
        run: The run.
        validation: A transition state that was refined with the reference.
    """
    state = run.transition_states[validation.saddle]
    model = state.energy - np.array([run.minima[i].energy for i in state.minima])
    reference = validation.energy - np.array(validation.end_energies)
    return model, np.full(2, np.nan) if validation.reason else reference


def saddle_validation_counts(run: RunRecord) -> dict[str, Any] | None:
    """Return how many refined transition states join the same minima, and the errors of barriers (eV).

    An error is the barrier of the model minus that of the reference. There are two for each transition state, and
    errors are None where no transition state joins the same minima.

    Args:
        run: The run.
    """
    if not run.saddle_validations:
        return None
    pairs = np.array([barrier_pairs(run, one) for one in run.saddle_validations])
    errors = (pairs[:, 0] - pairs[:, 1])[[not one.reason for one in run.saddle_validations]]
    return {
        "reference": run.saddle_validations[0].reference,
        "n_refined": len(run.saddle_validations),
        "n_same_minima": len(errors),
        "mean_barrier_error": float(errors.mean()) if len(errors) else None,
        "mean_absolute_barrier_error": float(np.abs(errors).mean()) if len(errors) else None,
        "largest_barrier_error": float(np.abs(errors).max()) if len(errors) else None,
    }


def saddle_validation_sentence(counts: dict[str, Any]) -> str:
    """Return the numbers of `saddle_validation_counts` as a sentence."""
    states = counted(counts["n_refined"], "transition state")
    text = f"{counts['n_same_minima']} of {states} join the same minima with {counts['reference']}"
    if not counts["n_same_minima"]:
        return text
    mean, largest = (counts[f"{name}_barrier_error"] / KCAL_PER_MOL for name in ("mean_absolute", "largest"))
    return f"{text}; mean absolute error of the barriers {mean:.2f} kcal/mol, largest {largest:.2f}"


def saddle_validation_rows(run: RunRecord) -> list[tuple[str, ...]]:
    """Return the refined transition states as texts, with `SADDLE_VALIDATION_COLUMNS`; barriers from both minima.

    Args:
        run: The run.
    """
    rows = []
    for one in run.saddle_validations:
        model, reference = barrier_pairs(run, one)
        a, b = run.transition_states[one.saddle].minima
        rows.append(
            (
                str(one.saddle),
                f"{a} - {b}",
                _both(model, ".2f"),
                _both(reference, ".2f"),
                _both(model - reference, "+.2f"),
                f"{one.rmsd:.2f}" if np.isfinite(one.rmsd) else "–",
                one.reason,
            )
        )
    return rows


def _both(energies: Float[np.ndarray, "2"], form: str) -> str:
    if not np.isfinite(energies).all():
        return "–"
    return ", ".join(format(energy / KCAL_PER_MOL, form) for energy in energies)
