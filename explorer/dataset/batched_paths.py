"""Relaxations and dynamics of many molecules at a time: the forces of all are one call of a network."""

from collections.abc import Callable, Sequence

import numpy as np
from ase.data import atomic_masses
from jaxtyping import Float

from explorer.dataset.force_field import SAMPLING_FRICTION
from explorer.dataset.network_reference import SingleStructure
from explorer.dynamics.baoab import baoab_step
from explorer.units import ACCELERATION, BOLTZMANN

Evaluate = Callable[[Sequence[SingleStructure]], list[tuple[float, Float[np.ndarray, "N 3"]]]]
Path = list[Float[np.ndarray, "N 3"]]

_MAX_STEP = 0.15  # Å, first limit of the step of an atom in a relaxation; halved where the energy rises; not tuned
_MAX_RISE = 0.05  # eV, larger increases of the energy are taken back; not tuned


def relax_together(
    evaluate: Evaluate,
    starts: Sequence[SingleStructure],
    hessians: Sequence[Float[np.ndarray, "3N 3N"]],
    n_steps: int,
    fmax: float,
) -> list[Path]:
    """Relax structures by BFGS from model Hessians.

    Args:
        evaluate: Energies (eV) and forces (eV/Å) of structures.
        starts: Structures to relax.
        hessians: Positive definite model Hessian of each, eV/Å².
        n_steps: Largest number of steps.
        fmax: Largest force at the end, eV/Å.

    Returns:
        For each structure, the positions after each accepted step from the start on, Å. A path ends where the forces
        are small or not finite.
    """
    rows = [_Relaxation(start, np.linalg.inv(hessian)) for start, hessian in zip(starts, hessians, strict=True)]
    for _ in range(n_steps + 1):
        active = [row for row in rows if not row.is_done]
        if not active:
            break
        labels = evaluate([row.trial for row in active])
        for row, (energy, forces) in zip(active, labels, strict=True):
            row.advance(energy, forces, fmax)
    return [row.path for row in rows]


class _Relaxation:
    """State of one relaxation; `trial` is evaluated next."""

    def __init__(self, start: SingleStructure, inverse: Float[np.ndarray, "3N 3N"]):
        self.trial, self.inverse, self.limit = start, inverse, _MAX_STEP
        self.path: Path = []
        self.energy, self.forces, self.is_done = np.inf, np.zeros_like(start.positions), False

    def advance(self, energy: float, forces: Float[np.ndarray, "N 3"], fmax: float) -> None:
        if not np.isfinite(energy):
            self.is_done = True
            return
        if self.path and energy > self.energy + _MAX_RISE:
            self.limit /= 2
            self.is_done = self.limit < 0.01 * _MAX_STEP
        else:
            if self.path:
                self._learn((self.trial.positions - self.path[-1]).ravel(), (self.forces - forces).ravel())
            self.path.append(self.trial.positions)
            self.energy, self.forces = energy, forces
            self.is_done = bool(np.linalg.norm(forces, axis=-1).max() < fmax)
        step = (self.inverse @ self.forces.ravel()).reshape(-1, 3)
        step *= min(1.0, self.limit / np.linalg.norm(step, axis=-1).max())
        self.trial = self.trial._replace(positions=self.path[-1] + step)

    def _learn(self, s: Float[np.ndarray, "3N"], y: Float[np.ndarray, "3N"]) -> None:
        """Update the inverse Hessian by BFGS where the curvature along the step is positive."""
        curvature = s @ y
        if curvature > 1e-3 * (s @ s):
            w = self.inverse @ y
            self.inverse = (
                self.inverse
                + (1 + y @ w / curvature) * np.outer(s, s) / curvature
                - (np.outer(w, s) + np.outer(s, w)) / curvature
            )


def run_together(
    evaluate: Evaluate,
    starts: Sequence[SingleStructure],
    temperatures: Sequence[float],
    n_steps: int,
    stride: int,
    time_step: float,
    rngs: Sequence[np.random.Generator],
) -> list[Path]:
    """Run Langevin dynamics of structures from minima.

    The initial velocities correspond to twice the temperature, because half of the kinetic energy becomes potential
    energy.

    Args:
        evaluate: Energies (eV) and forces (eV/Å) of structures.
        starts: Structures at minima.
        temperatures: Temperature of each, K.
        n_steps: Number of steps.
        stride: Steps from one frame to the next.
        time_step: fs.
        rngs: Random number generator of each, so that a trajectory does not depend on the others.

    Returns:
        For each structure, the positions after every `stride` steps, Å; fewer where forces are not finite.
    """
    now, paths = list(starts), [[] for _ in starts]
    acceleration = [ACCELERATION / atomic_masses[s.numbers][:, None] for s in starts]
    thermal = [np.sqrt(BOLTZMANN * t * a) for t, a in zip(temperatures, acceleration, strict=True)]
    velocities = [
        np.sqrt(2) * width * rng.normal(size=start.positions.shape)
        for width, start, rng in zip(thermal, starts, rngs, strict=True)
    ]
    kept = np.exp(-SAMPLING_FRICTION * time_step)
    active = list(range(len(now)))
    for step in range(1, n_steps + 1):
        labels = evaluate([now[k] for k in active])
        for k, (energy, forces) in zip(list(active), labels, strict=True):
            if not np.isfinite(energy):
                active.remove(k)
                continue
            kick = (0.5 if step == 1 else 1.0) * time_step * acceleration[k] * forces
            noise, width = rngs[k].normal(size=forces.shape), np.sqrt(1 - kept**2) * thermal[k]
            positions, velocities[k] = baoab_step(now[k].positions, velocities[k], kick, noise, time_step, kept, width)
            now[k] = now[k]._replace(positions=positions)
            if step % stride == 0:
                paths[k].append(positions)
    return paths
