"""Changes of the landscape from one round to the next, on the surface of the later one."""

from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.progress import LearningProgress
from explorer.comparison.surface_changes import Fate, RelaxedStructures, SurfaceChanges, surface_changes
from explorer.config import Settings
from explorer.config_file import stored_settings
from explorer.files import without_nan
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Status
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.relax import relax_tightly


def changes_since(before: Path, after: Path, progress: LearningProgress) -> dict[str, Any]:
    """Relax the conformers of two runs on the surface of the second, and determine the fate of those of the first.

    Args:
        before: Folder of the first run.
        after: Folder of the second run, of the same molecule.
        progress: Called with the numbers of relaxed and of all conformers.

    Returns:
        Counts and lists for JSON; energies in eV, RMSD in Å.
    """
    first, second = read_run(before), read_run(after)
    old, new = first.conformers, second.conformers
    settings = stored_settings(second.config)
    both = _relaxed(second.molecule, settings, [*old, *new], progress)
    energies, n = np.array([m.energy for m in old]), len(old)
    return changes_as_json(
        surface_changes(symmetry_of(second.molecule), settings.identity, energies, both[:n], both[n:])
    )


def _relaxed(
    molecule: Molecule, settings: Settings, minima: list[Minimum], progress: LearningProgress
) -> RelaxedStructures:
    starts = np.array([m.positions for m in minima])
    result = relax_tightly(molecule, settings, starts, progress.counter("minima relaxed on the new surface"))
    positions = np.asarray(result.positions, dtype=float)
    classes = [one.structure_class for one in classify_batch(topology_of(molecule), positions)]
    converged = np.asarray(result.status) == Status.CONVERGED
    return RelaxedStructures(
        ids=np.array([m.id for m in minima]),
        starts=starts,
        energies=np.asarray(result.energy, dtype=float),
        positions=positions,
        structure_classes=classes,
        converged=converged,
    )


def changes_as_json(changes: SurfaceChanges) -> dict[str, Any]:
    """Return the changes as values for JSON; numbers that are not finite are None.

    Args:
        changes: Changes from one surface to the next.
    """
    kept = [change for change in changes.changes if change.fate in (Fate.STAYED, Fate.MOVED)]
    return {
        **{f"n_{fate}": changes.count(fate) for fate in Fate},
        "n_appeared": len(changes.appeared),
        "n_not_found_again": sum(change.found is None for change in kept),
        "lowest_change": changes.lowest_change,
        "changes": without_nan([change._asdict() for change in changes.changes]),
        "appeared": list(changes.appeared),
        "appeared_energies": list(changes.appeared_energies),
    }
