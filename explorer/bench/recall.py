"""Recall of another program's ensemble by our search, against force calls.

Example: `pes-explore bench recall crest.xyz --potential so3lr:FOLDER --evaluations 65000 --out reports/bench/recall`
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from explorer.bench.curves import draw
from explorer.bench.own_hopping import OURS, hop
from explorer.bench.starts import embedded_starts
from explorer.comparison.overlap_tables import comparison_as_json
from explorer.config import Settings
from explorer.errors import InputError
from explorer.files import write_json
from explorer.io.ensemble import read_ensemble
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.units import KCAL_PER_MOL
from explorer.workflows.compare_ensembles import Frames, compare_with_frames, frames_of

Count = Callable[[str, int, int], None]


def measure(
    ensemble: Path,
    settings: Settings,
    n_evaluations: int,
    window: float,
    progress: Count = lambda what, done, total: None,
) -> dict[str, Any]:
    """Search from one random embedding of the molecule, then count which structures of an ensemble were found.

    The structures of both are relaxed to 1e-4 eV/Å in float64 on one surface. Those distinct conformers of the ensemble
    count that lie within a window above the lowest conformer of both. The search receives the molecule of the ensemble,
    but none of its structures.

    Args:
        ensemble: File with structures of one molecule.
        settings: Settings of the search, with potential and seed.
        n_evaluations: Force calls of the search.
        window: Energy above the lowest conformer, eV.
        progress: Called with what is counted, how many are done, and their number.

    Raises:
        InputError: When the file cannot be read, its molecule has no bonds, or no structure relaxes to a conformer.
    """
    molecule = embedded_molecule(ensemble, settings.seed)
    frames = frames_of(ensemble, molecule)
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    searching, relaxing = (partial(progress, what) for what in ("force calls", "conformers relaxed"))
    claims = hop(potential, molecule, settings, n_evaluations, settings.seed, searching)
    ours = Frames(np.arange(len(claims.positions)), claims.positions, 0)
    comparison = compare_with_frames(molecule, settings, {OURS: ours, ensemble.name: frames}, window, relaxing)
    a, b = comparison.a, comparison.b
    if not len(b.ids):
        raise InputError(
            f"No structure of {ensemble.name} relaxes to a conformer on {info.name}. Try another potential."
        )
    lowest = min([*a.energies, *b.energies])
    in_window = b.energies <= lowest + window
    found_after = claims.n_evaluations[a.ids[comparison.nearest[in_window & comparison.in_a]]]
    missed = in_window & ~comparison.in_a
    return {
        "molecule": molecule.name,
        "n_atoms": molecule.n_atoms,
        "potential": info.public_name,
        "digest": info.digest,
        "start": f"embedding, seed {settings.seed}",
        "n_evaluations": n_evaluations,
        "seconds": claims.seconds,
        "window_eV": window,
        "n_wanted": int(in_window.sum()),
        "n_found": int((in_window & comparison.in_a).sum()),
        "found_after": sorted(found_after.tolist()),
        "lowest_against_ensemble_eV": float(a.energies[0] - b.energies[0]) if len(a.ids) else None,
        "missed": [
            {"structure": int(k), "above_lowest_eV": float(e - lowest)}
            for k, e in zip(b.ids[missed], b.energies[missed], strict=True)
        ],
        "comparison": comparison_as_json(comparison),
    }


def embedded_molecule(ensemble: Path, seed: int) -> Molecule:
    """Return the molecule of an ensemble in a random conformation, so that no structure of it is used.

    Args:
        ensemble: File with structures of one molecule.
        seed: Seed of the embedding.

    Raises:
        InputError: When the file cannot be read or its molecule has no bonds.
    """
    molecule = read_ensemble(ensemble).molecules[0]
    if not len(molecule.bonds):
        raise InputError(f"{ensemble.name} holds {molecule.name}, which has no bonds and so cannot be embedded.")
    return replace(molecule, positions=embedded_starts(molecule, 1, seed)[0])


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Format the figures as pairs of name and value."""
    n_wanted, n_found, window = result["n_wanted"], result["n_found"], result["window_eV"] / KCAL_PER_MOL
    a, b = result["comparison"]["a"], result["comparison"]["b"]
    share = f" ({100 * n_found / n_wanted:.0f} %)" if n_wanted else ""
    lowest = result["lowest_against_ensemble_eV"]
    lower = "–" if lowest is None else f"{lowest / KCAL_PER_MOL:+.2f} kcal/mol"
    missed = ", ".join(f"{m['structure']} (+{m['above_lowest_eV'] / KCAL_PER_MOL:.2f})" for m in result["missed"])
    return [
        ("search", f"{a['n_conformers']} conformers, {result['n_evaluations']} force calls, {result['seconds']:.0f} s"),
        ("start", result["start"]),
        ("ensemble", f"{b['n_structures']} structures, {b['n_conformers']} distinct conformers when relaxed"),
        (f"found, within {window:.3g} kcal/mol", f"{n_found} of {n_wanted}{share}"),
        ("lowest of ours, from the ensemble's", lower),
        ("missed structures (kcal/mol)", missed or "none"),
    ]


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `recall.json` and `recall.svg` into a folder and return the path of the picture."""
    write_json(result, folder / "recall.json")
    window = result["window_eV"] / KCAL_PER_MOL
    title = f"{result['molecule']} ({result['n_atoms']} atoms): {result['n_wanted']} within {window:.3g} kcal/mol"
    curves = {OURS: [(result["found_after"], result["n_evaluations"])]}
    return draw(curves, title, "share of the ensemble found", folder / "recall.svg", max(result["n_wanted"], 1))
