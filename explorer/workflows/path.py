"""Frames of a path: stationary points, and between them the images of careful descents from each saddle."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from jaxtyping import Float

from explorer.analysis.profile import PointKind, Profile, ProfilePoint
from explorer.analysis.run_analysis import RunAnalysis
from explorer.io.write import write_extxyz
from explorer.similarity.alignment import aligned_to, rmsd
from explorer.similarity.superpose import centred
from explorer.workflows.session import Session

if TYPE_CHECKING:
    from explorer.potential.ase_calculator import ExplorerCalculator

PUSH = 0.05  # Å, of the atom that moves most, off the saddle; not tuned
STEP = 0.05  # Å, of the atom that moves most, in each step of a descent; larger ones can leave the valley; not tuned
MAX_STEPS = 400  # of one descent; not tuned
FMAX, NEAR = 0.02, 0.01  # eV/Å and eV above the minimum, where a descent ends; the minimum itself is the last frame
STATIONARY = 1e-4  # eV/Å, where it ends at any energy: it has reached another minimum


class PathFrame(NamedTuple):
    """Structure on a path.

    Attributes:
        positions: Positions, Å.
        energy: Energy, eV.
        label: `minimum 3`, `saddle 5` or `descent`.
    """

    positions: Float[np.ndarray, "N 3"]
    energy: float
    label: str


def path_frames(
    session: Session, analysis: RunAnalysis, profile: Profile, n_images: int, progress: Callable[[int, int], None]
) -> tuple[list[PathFrame], list[str]]:
    """Return the frames of a path, and sentences about descents that did not reach their minimum.

    A descent follows the surface from a saddle in steps of at most 0.05 Å. It stays close to the path of steepest
    descent, but it is not that path.

    Args:
        session: The run, whose potential is evaluated in float64.
        analysis: The analysed run.
        profile: The path.
        n_images: Number of images between a saddle and each of its minima; without any, no potential is needed.
        progress: Called with (done, total) after each descent.
    """
    points = [point for point in profile.points if point.positions is not None]
    n_descents = sum((p.kind == PointKind.SADDLE) * 2 for p in points)
    frames, remarks, done = [_stationary(points[0])], [], 0
    calculator = _calculator(session) if n_images and n_descents else None
    for before, after in pairwise(points):
        saddle, minimum = (after, before) if after.kind == PointKind.SADDLE else (before, after)
        if calculator is not None and saddle.kind == PointKind.SADDLE:
            images, distance = _descent(analysis, calculator, saddle, minimum)
            if distance > analysis.identity.rmsd:
                remarks.append(
                    f"The descent from saddle {saddle.id} ends {distance:.2f} Å from minimum {minimum.id}; "
                    "its images may belong to another valley."
                )
            chosen = np.unique(np.linspace(0, len(images) - 1, n_images).round().astype(int))
            picked = [images[k] for k in chosen]
            frames += picked[::-1] if saddle is after else picked
            done += 1
            progress(done, n_descents)
        frames.append(_stationary(after))
    return frames, remarks


def write_path(analysis: RunAnalysis, frames: list[PathFrame], path: Path) -> Path:
    """Write frames as extended XYZ (Å, eV), each superposed on the one before, with `label` and `path_length` (Å).

    Args:
        analysis: The analysed run.
        frames: Frames from `path_frames`.
        path: File to write.
    """
    positions = [frame.positions for frame in frames]
    length, info = 0.0, []
    for k, frame in enumerate(frames):
        if k:
            length += float(np.linalg.norm(centred(positions[k]) - centred(positions[k - 1])))
        info.append({"energy": frame.energy, "label": frame.label, "path_length": length})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_extxyz(path, analysis.run.molecule, positions, info)
    return path


def _stationary(point: ProfilePoint) -> PathFrame:
    assert point.positions is not None
    return PathFrame(centred(point.positions), point.energy, f"{point.kind} {point.id}")


def _calculator(session: Session) -> "ExplorerCalculator":
    from explorer.potential.ase_calculator import ExplorerCalculator

    session.require_same_model()
    settings = replace(session.settings, precision="float64")
    return ExplorerCalculator(settings.potential, precision="float64", exact=settings.exact)


def _descent(
    analysis: RunAnalysis, calculator: "ExplorerCalculator", saddle: ProfilePoint, minimum: ProfilePoint
) -> tuple[list[PathFrame], float]:
    """Return the images from a saddle towards a minimum, and how far the last one is from it, Å."""
    molecule, state = analysis.run.molecule, analysis.run.transition_states[saddle.id or 0]
    symmetry = analysis.symmetry
    assert saddle.positions is not None
    assert minimum.positions is not None
    side = 0 if state.minima[0] == minimum.id else 1
    found = []
    for sign in (1, -1) if side == 0 else (-1, 1):  # a wrong side is followed by the other one
        start = state.positions + sign * PUSH * state.direction
        atoms = Atoms(molecule.atomic_numbers, start, info={"charge": molecule.total_charge})
        atoms.info["multiplicity"] = molecule.multiplicity
        atoms.calc = calculator
        images: list[tuple[np.ndarray, float]] = []
        for _ in BFGS(atoms, logfile=None, maxstep=STEP).irun(fmax=STATIONARY, steps=MAX_STEPS):
            energy = float(atoms.get_potential_energy())
            images.append((atoms.get_positions(), energy))
            # forces are small beside the saddle too, so that they alone do not end a descent
            if energy < minimum.energy + NEAR and np.linalg.norm(atoms.get_forces(), axis=1).max() < FMAX:
                break
        found.append((rmsd(symmetry, minimum.positions, images[-1][0]), images))
        if found[-1][0] <= analysis.identity.rmsd:
            break
    distance, images = min(found, key=lambda one: one[0])
    frames, before = [], saddle.positions
    for positions, energy in images:
        before = aligned_to(symmetry, before, positions)
        frames.append(PathFrame(centred(before), energy, "descent"))
    return frames, distance
