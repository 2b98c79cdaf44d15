"""Frames of a path: stationary points, and between them the images of careful descents from each saddle."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.analysis.profile import PointKind, Profile, ProfilePoint
from explorer.analysis.run_analysis import RunAnalysis
from explorer.io.write import write_extxyz
from explorer.records.transition_states import TransitionState
from explorer.saddles.ends import Descender, DescentEnd
from explorer.similarity.alignment import aligned_to
from explorer.similarity.identity import identity_distance
from explorer.similarity.superpose import centred
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.workflows.session import Session


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

    Descents are those by which `pes-explore connect` finds the minima of a saddle. They begin with short steps and stay
    close to the path of steepest descent, but are not that path.

    Args:
        session: The run, whose potential is evaluated in float64.
        analysis: The analysed run.
        profile: The path.
        n_images: Number of images between a saddle and each of its minima; without any, no potential is needed.
        progress: Called with (done, total) after each descent.
    """
    points = [point for point in profile.points if point.positions is not None]
    states = [analysis.run.transition_states[p.id] for p in points if p.kind == PointKind.SADDLE and p.id is not None]
    descents = _descents(session, analysis, states, progress) if n_images and states else {}
    frames, remarks = [_stationary(points[0])], []
    for before, after in pairwise(points):
        saddle, minimum = (after, before) if after.kind == PointKind.SADDLE else (before, after)
        if saddle.kind == PointKind.SADDLE and saddle.id in descents:
            minima = analysis.run.transition_states[saddle.id].minima
            # the two sides of a degenerate saddle lead to the same minimum: one is before it, the other one after it
            side = int(saddle is before) if minima[0] == minima[1] else minima.index(minimum.id)
            end = descents[saddle.id][side]
            distance = identity_distance(analysis.symmetry, np.asarray(minimum.positions), end.images[-1])
            if distance > analysis.identity.rmsd:
                remarks.append(
                    f"The descent from saddle {saddle.id} ends {distance:.2f} Å from minimum {minimum.id}; "
                    "its images may belong to another valley."
                )
            images = _images(end, n_images)
            frames += images[::-1] if saddle is after else images
        frames.append(_stationary(after))
    for k in range(1, len(frames)):
        nearest = aligned_to(analysis.symmetry, frames[k - 1].positions, frames[k].positions)
        frames[k] = frames[k]._replace(positions=centred(nearest))
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


def _descents(
    session: Session, analysis: RunAnalysis, states: Sequence[TransitionState], progress: Callable[[int, int], None]
) -> dict[int, tuple[DescentEnd, DescentEnd]]:
    """Return what lies on both sides of each transition state, by its id."""
    session.require_same_model()
    run, settings = analysis.run, replace(session.settings, precision="float64")
    descender = Descender(run.molecule, topology_of(run.molecule), session.potential("float64"), settings)
    positions, directions = (np.array([getattr(s, name) for s in states]) for name in ("positions", "direction"))
    history = History(analysis.symmetry, analysis.identity, run.minima)
    ends = descender.ends(positions, directions, history, progress)
    return {state.id: pair for state, pair in zip(states, ends, strict=True)}


def _images(end: DescentEnd, n_images: int) -> list[PathFrame]:
    """Return images of a descent at equal distances along it, from the saddle down."""
    structures = np.array(end.images)
    along = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(structures, axis=0) ** 2).sum(axis=(1, 2))))])
    wanted = np.linspace(0, along[-1], n_images)
    chosen = np.unique(np.abs(along[:, None] - wanted).argmin(axis=0))
    return [PathFrame(centred(structures[k]), end.energies[k], "descent") for k in chosen]
