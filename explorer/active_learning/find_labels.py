"""Labels around a find: the minimum, the way into it on the model, and the way out of it on the reference."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from explorer.dataset.batched_paths import Evaluate, relax_together
from explorer.dataset.displacements import stiffness_matrix, thermally_displaced
from explorer.dataset.network_reference import SingleStructure
from explorer.dataset.parts import SampledFrame
from explorer.dataset.rounding import FORCE_GRID, POSITION_GRID, on_grid
from explorer.dataset.second_opinion import SecondOpinion
from explorer.records.molecule import Molecule

FOUND_STAGE, WAY_IN_STAGE, WAY_OUT_STAGE = "found", "way-in", "way-out"
WAY_IN_TEMPERATURES = (300.0, 1000.0)  # K, of the displacements that relax back on the model; not tuned
_WAY_IN_FRAMES = (0, 2, 5, 9)  # steps that are labelled; not tuned
_WAY_OUT_FRAMES = (1, 3, 6, 10, 16, 24)  # steps that are labelled, and the last one; not tuned
_FMAX = 0.03  # eV/Å, largest force at the end of both ways; not tuned


def label_finds(
    molecule: Molecule,
    positions: Float[np.ndarray, "m N 3"],
    model: Evaluate,
    reference: Evaluate,
    second: SecondOpinion,
    rng: np.random.Generator,
) -> tuple[list[SampledFrame], dict]:
    """Label the finds of one molecule and the ways into and out of them.

    Thermal displacements of a find relax on the model and lead into it. The find itself relaxes on the reference and
    leads out of it. Frames of both ways are labelled.

    Args:
        molecule: Molecule; its positions are not used.
        positions: Positions of the finds, Å.
        model: Energies and forces of the model.
        reference: Energies and forces of the reference method.
        second: Second method, which leaves out doubtful frames.
        rng: Random number generator of the displacements.

    Returns:
        Frames whose `conformer` is the index of the find, and the numbers of frames that were left out.
    """
    finds = [SingleStructure(molecule.atomic_numbers, molecule.total_charge, _unpaired(molecule), x) for x in positions]
    hessians = [stiffness_matrix(molecule, x) for x in positions]
    displaced = [
        find._replace(positions=thermally_displaced(hessian, find.positions, temperature, rng))
        for find, hessian in zip(finds, hessians, strict=True)
        for temperature in WAY_IN_TEMPERATURES
    ]
    of_displaced = np.repeat(np.arange(len(finds)), len(WAY_IN_TEMPERATURES))
    ways_in = relax_together(model, displaced, [hessians[k] for k in of_displaced], max(_WAY_IN_FRAMES), _FMAX)
    ways_out = relax_together(reference, finds, hessians, max(_WAY_OUT_FRAMES), _FMAX)
    chosen = [(k, FOUND_STAGE, x) for k, x in enumerate(positions)]
    for steps, stage, index, ways in (
        (_WAY_IN_FRAMES, WAY_IN_STAGE, of_displaced.tolist(), ways_in),
        (_WAY_OUT_FRAMES, WAY_OUT_STAGE, range(len(finds)), ways_out),
    ):
        chosen += [(k, stage, x) for k, way in zip(index, ways, strict=True) for x in picked(way, steps)]
    frames, n_failed = _labelled(finds, chosen, reference)
    kept, checks = second.keep(finds[0], frames) if frames else ([], {})
    return kept, {"n_failed": n_failed, **checks}


def picked(way: Sequence[Float[np.ndarray, "N 3"]], steps: Sequence[int]) -> list[Float[np.ndarray, "N 3"]]:
    """Return the structures of a relaxation after some steps, and the last one.

    Args:
        way: Positions after each step, Å.
        steps: Numbers of steps.
    """
    return [way[k] for k in sorted({s for s in (*steps, len(way) - 1) if 0 <= s < len(way)})]


def _labelled(
    finds: Sequence[SingleStructure], chosen: Sequence[tuple[int, str, np.ndarray]], reference: Evaluate
) -> tuple[list[SampledFrame], int]:
    structures = [finds[k]._replace(positions=_as_stored(x)) for k, _, x in chosen]
    frames = [
        SampledFrame(structure.positions, energy, on_grid(forces, FORCE_GRID), stage, str(k))
        for (k, stage, _), structure, (energy, forces) in zip(chosen, structures, reference(structures), strict=True)
        if np.isfinite(energy) and np.isfinite(forces).all()
    ]
    return frames, len(chosen) - len(frames)


def _as_stored(positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    at = on_grid(positions, POSITION_GRID)
    return at - on_grid(at.mean(axis=0), POSITION_GRID)


def _unpaired(molecule: Molecule) -> int:
    return molecule.multiplicity - 1
