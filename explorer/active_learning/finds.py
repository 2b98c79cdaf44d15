"""Minima of a search that a network has wrong or does not know, and its verdicts compared with its true errors."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.dataset.farthest_points import farthest_points
from explorer.records.minimum import Minimum
from explorer.records.uncertainty import TrustLevel
from explorer.units import KCAL_PER_MOL

MIN_ALIGNED = 3  # minima from which the zero of the energies of two methods is taken, if there are as many; not tuned


class Find(StrEnum):
    """Why a minimum of a search is labelled, from the strongest reason to the weakest.

    `hole`: its energy, bonds or distances are impossible (`uncertainty.criteria`).
    `wrong energy`, `wrong forces`: the reference disagrees by more than a limit.
    `out-of-distribution`, `uncertain`: the trust level of the model.
    """

    HOLE = "hole"
    WRONG_ENERGY = "wrong energy"
    WRONG_FORCES = "wrong forces"
    OUT_OF_DISTRIBUTION = "out-of-distribution"
    UNCERTAIN = "uncertain"


# An uncertain minimum whose energy and forces are right is labelled, but a round with no other finds ends the hunt:
# by the definition of the trust levels, one in ten structures of the training data is at least uncertain.
REASONS_TO_GO_ON = (Find.HOLE, Find.WRONG_ENERGY, Find.WRONG_FORCES, Find.OUT_OF_DISTRIBUTION)
HOLE_VERDICT, NO_VERDICT = "hole", "not estimated"
VERDICTS = (*(str(level) for level in TrustLevel), HOLE_VERDICT, NO_VERDICT)


class MinimaErrors(NamedTuple):
    """Verdicts and true errors of the minima of one search. The field names are the keys of `errors.npz`."""

    ids: Int[np.ndarray, "n"]
    positions: Float[np.ndarray, "n N 3"]  # Å
    verdict: np.ndarray  # trust level, `hole` or `not estimated`, shape (n,)
    energy_error: Float[np.ndarray, "n"]  # eV, of the relative energy; NaN where the reference failed
    force_error: Float[np.ndarray, "n"]  # eV/Å, root mean square, of the forces, which are 0 in the model

    def wrong_energy(self, limit: float) -> np.ndarray:
        """Return whether the relative energy of each minimum is off by more than a limit, eV."""
        return np.nan_to_num(np.abs(self.energy_error)) > limit

    def wrong_forces(self, limit: float) -> np.ndarray:
        """Return whether the force error of each minimum is larger than a limit, eV/Å."""
        return np.nan_to_num(self.force_error) > limit


def errors_of_minima(
    minima: Sequence[Minimum], energies: Float[np.ndarray, "n"], forces: Float[np.ndarray, "n N 3"]
) -> MinimaErrors:
    """Compare the minima of a model with the reference at the same positions.

    Energies of the two methods have different zeros. They are aligned by the median of their differences over results,
    so that a hole does not shift all others.

    Args:
        minima: Minima of one search.
        energies: Energies of the reference, eV; NaN where it failed.
        forces: Forces of the reference, eV/Å.
    """
    verdicts = np.array([verdict_of(m) for m in minima], dtype="U20")
    differences = np.array([m.energy for m in minima], dtype=float) - energies
    results = np.array([m.is_result for m in minima], dtype=bool)
    for chosen in (results & (verdicts == TrustLevel.TRUSTED), results, np.ones(len(minima), bool)):
        aligned = differences[chosen & np.isfinite(differences)]
        if len(aligned) >= MIN_ALIGNED:
            break
    zero = np.median(aligned) if len(aligned) else np.nan
    return MinimaErrors(
        ids=np.array([m.id for m in minima], dtype=int),
        positions=np.array([m.positions for m in minima]),
        verdict=verdicts,
        energy_error=differences - zero,
        force_error=np.sqrt((forces**2).sum(axis=-1).mean(axis=-1)),
    )


def verdict_of(minimum: Minimum) -> str:
    """Return the verdict of a model on one of its minima: trust level, `hole` or `not estimated`.

    Args:
        minimum: Minimum of a search without a limit of the uncertainty, whose exclusions are holes.
    """
    if not minimum.is_result:
        return HOLE_VERDICT
    return str(minimum.uncertainty.trust_level) if minimum.uncertainty else NO_VERDICT


def finds_among(errors: MinimaErrors, max_energy_error: float, max_force_error: float) -> dict[int, Find]:
    """Return the minima that are worth labelling, by their index, each with its strongest reason.

    Args:
        errors: Verdicts and errors of the minima of a search.
        max_energy_error: Largest error of a relative energy, eV.
        max_force_error: Largest root-mean-square force error, eV/Å.
    """
    wrong_energy, wrong_forces = errors.wrong_energy(max_energy_error), errors.wrong_forces(max_force_error)
    by_verdict = {
        HOLE_VERDICT: Find.HOLE,
        TrustLevel.OUT_OF_DISTRIBUTION: Find.OUT_OF_DISTRIBUTION,
        TrustLevel.UNCERTAIN: Find.UNCERTAIN,
    }
    found: dict[int, Find] = {}
    for k, verdict in enumerate(errors.verdict.tolist()):
        reasons = [by_verdict[verdict]] if verdict in by_verdict else []
        reasons += [Find.WRONG_ENERGY] * bool(wrong_energy[k]) + [Find.WRONG_FORCES] * bool(wrong_forces[k])
        if reasons:
            found[k] = min(reasons, key=list(Find).index)
    return found


def choose_finds(
    finds: dict[int, Find], features: Float[np.ndarray, "n P"], n: int, rng: np.random.Generator
) -> list[int]:
    """Choose the finds of one molecule that are labelled: those that differ the most, uncertain ones last.

    Args:
        finds: Reasons by index.
        features: Points whose distances measure how much minima differ.
        n: Largest number of finds.
        rng: Random number generator.

    Returns:
        Indices of minima.
    """
    chosen: list[int] = []
    for is_strong in (True, False):
        pool = [k for k, reason in finds.items() if (reason in REASONS_TO_GO_ON) == is_strong]
        known = features[chosen] if chosen else None
        chosen += [pool[j] for j in farthest_points(features[pool], n - len(chosen), rng, known)] if pool else []
    return chosen


def verdict_table(errors: Sequence[MinimaErrors], max_energy_error: float, max_force_error: float) -> list[dict]:
    """Return true errors by verdict, for JSON: how many minima are wrong among those that the model trusts, and so on.

    Args:
        errors: Verdicts and errors of several searches.
        max_energy_error: Largest error of a relative energy, eV.
        max_force_error: Largest root-mean-square force error, eV/Å.

    Returns:
        One row for each verdict that occurs: numbers of minima and of wrong ones, median and 90th percentile of the
        force error (meV/Å), median and largest error of the relative energy (kcal/mol).
    """
    rows = []
    for verdict in VERDICTS:
        masks = [one.verdict == verdict for one in errors]
        if not sum(int(mask.sum()) for mask in masks):
            continue
        energy = np.concatenate([np.abs(e.energy_error[m]) for e, m in zip(errors, masks, strict=True)])
        force = np.concatenate([e.force_error[m] for e, m in zip(errors, masks, strict=True)])
        known = np.isfinite(energy)
        wrong_energy, wrong_forces = energy[known] > max_energy_error, force[known] > max_force_error
        rows.append(
            {
                "verdict": verdict,
                "n": len(energy),
                "n_failed": int((~known).sum()),
                "n_wrong_energy": int(wrong_energy.sum()),
                "n_wrong_forces": int(wrong_forces.sum()),
                "n_wrong": int((wrong_energy | wrong_forces).sum()),
                "force_error_median": _quantile(1000 * force[known], 0.5),
                "force_error_90": _quantile(1000 * force[known], 0.9),
                "energy_error_median": _quantile(energy[known] / KCAL_PER_MOL, 0.5),
                "energy_error_largest": _quantile(energy[known] / KCAL_PER_MOL, 1.0),
            }
        )
    return rows


def count_reasons(finds: Sequence[dict[int, Find]]) -> dict[str, int]:
    """Return how many minima were found for each reason.

    Args:
        finds: Reasons by index, of several searches.
    """
    counts: Counter[Find] = Counter(reason for one in finds for reason in one.values())
    return {str(reason): counts[reason] for reason in Find}


def keeps_going(counts: dict[str, Any]) -> bool:
    """Return whether a round has found what the next training should mend.

    Args:
        counts: Numbers of finds by reason.
    """
    return any(counts[reason] for reason in REASONS_TO_GO_ON)


def _quantile(values: np.ndarray, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None
