"""How the landscape of a run differs from that of the round before, on the surface of the former."""

from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.progress import LearningProgress
from explorer.compare.surface_changes import Fate, Relaxed, SurfaceChanges, surface_changes
from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import Status
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.relax import relax_tightly


def changes_since(before: Path, after: Path, watch: LearningProgress) -> dict[str, Any]:
    """Relax the conformers of two runs on the surface of the second, and say what became of those of the first.

    Args:
        before: folder of the first run.
        after: folder of the second run, of the same molecule.
        watch: told how many are relaxed.

    Returns:
        Counts and lists for JSON; energies in eV.
    """
    first, second = read_run(before), read_run(after)
    old, new = first.conformers, second.conformers
    settings: Settings = with_overrides(Settings(), second.config)
    both = _relaxed(second.molecule, settings, [*old, *new], watch)
    energies, n = np.array([m.energy for m in old]), len(old)
    return changes_as_json(
        surface_changes(symmetry_of(second.molecule), settings.identity, energies, both[:n], both[n:])
    )


def _relaxed(molecule: Molecule, settings: Settings, minima: list[Minimum], watch: LearningProgress) -> Relaxed:
    starts = np.array([m.positions for m in minima])
    result = relax_tightly(molecule, settings, starts, watch.counting("minima relaxed on the new surface"))
    positions = np.asarray(result.positions, dtype=float)
    kinds = [found.structure_class for found in classify_batch(topology_of(molecule), positions)]
    converged = np.asarray(result.status) == Status.CONVERGED
    ids = np.array([m.id for m in minima])
    return Relaxed(ids, starts, np.asarray(result.energy, dtype=float), positions, kinds, converged)


def changes_as_json(changes: SurfaceChanges) -> dict[str, Any]:
    """Plain values; what is not finite is None."""
    listed = [
        {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in change._asdict().items()
        }
        for change in changes.changes
    ]
    kept = [change for change in changes.changes if change.fate in (Fate.STAYED, Fate.MOVED)]
    return {
        **{f"n_{fate}": changes.count(fate) for fate in Fate},
        "n_appeared": len(changes.appeared),
        "n_not_found_again": sum(change.found is None for change in kept),
        "lowest_change": changes.lowest_change,
        "changes": listed,
        "appeared": list(changes.appeared),
        "appeared_energies": list(changes.appeared_energies),
    }
