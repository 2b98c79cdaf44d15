"""Frames of a path for its animation: minima and saddles of the run, and interpolated structures between them."""

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.analysis.profile import Profile
from explorer.analysis.run_analysis import RunAnalysis
from explorer.report.payload import aligned, pack_array
from explorer.similarity.superpose import superpose
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_methyls, find_rotors
from explorer.topology.torsion_rotation import TorsionRotation

_BETWEEN = 7  # frames between a minimum and a saddle: a turn of 90 degrees in steps of 11; not tuned


def path_animation(analysis: RunAnalysis, profile: Profile | None) -> dict[str, Any] | None:
    """Return the frames of a path for JSON; None without a path, or if a structure on it is not known.

    Between stationary points the angles of rotatable bonds, amides and methyl groups turn evenly, by half a turn at
    most, and all else changes linearly. No forces are computed, so these frames have no energies.

    Args:
        analysis: The analysed run.
        profile: Path between two minima.
    """
    known = [] if profile is None else [(p, p.positions) for p in profile.points if p.positions is not None]
    if profile is None or len(known) < len(profile.points):
        return None
    molecule = analysis.run.molecule
    topology = topology_of(molecule)
    rotors, amides = find_rotors(topology)
    rotation = TorsionRotation([*rotors, *amides, *find_methyls(topology)], molecule.n_atoms)
    frames, stops = [known[0][1][None]], [0]
    for (_, before), (_, after) in pairwise(known):
        frames += [_between(rotation, before, after), after[None]]
        stops.append(sum(len(part) for part in frames) - 1)
    labels = [f"{p.kind} {p.id}, {float(analysis.relative(p.energy)):.2f} {analysis.unit.name}" for p, _ in known]
    packed = pack_array(aligned(np.concatenate(frames), molecule))
    return {"frames": packed, "stops": stops, "labels": labels}


def _between(
    rotation: TorsionRotation, before: Float[np.ndarray, "N 3"], after: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "F N 3"]:
    """Return structures between two: the mean of both, each turned about its bonds to the angles of the frame."""
    shares = np.linspace(0, 1, _BETWEEN + 2)[1:-1, None]
    turns = (rotation.angles(after) - rotation.angles(before) + 180) % 360 - 180
    forward = np.array(list(rotation.rotate(before, shares * turns)))
    backward = np.array(list(rotation.rotate(after, (shares - 1) * turns)))
    first, second = (part - part.mean(axis=1, keepdims=True) for part in (forward, backward))
    rotations, _ = superpose(first, second)
    weights = shares[:, :, None]
    return (1 - weights) * first + weights * second @ np.swapaxes(rotations, -1, -2)
