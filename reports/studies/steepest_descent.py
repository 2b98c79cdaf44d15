"""Steepest descents in small steps, a reference for faster relaxations; `saddle_ends.py` uses them.

A descent follows dx/dt = F until no force is above 1e-4 eV/Å. Each step solves the implicit Euler equation,
(y - x) / h = F(y), by Newton steps in float64; with masses, (y - x) m / h = F(y). No atom moves further than 0.02 Å in
a step, and the energy falls in each. The Hessian is given at the start, and then learns from the forces by Bofill's
formula. It does not decide where a descent leads, but how many force calls the equation of a step takes.
"""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from explorer.saddles.surface import Surface
from explorer.vibrations.certifier import PUSH_OFF_DISTANCE

ROWS = 32  # descents at a time
LONGEST, FMAX, MAX_CALLS = 0.02, 1e-4, 10000  # Å of a step, eV/Å at the end, and force calls of one descent
START_FMAX = 1e-6  # eV/Å at an end within 0.05 Å of the start, where forces are small beside soft saddles
FIRST_TIME, LONGEST_TIME = 1.0, 1e3  # Å²/eV, of a step
MAX_ITERATIONS, RESIDUAL = 6, 0.1  # Newton steps of one step; share of the force that its equation may miss


# Yields structures, is sent their energy and forces, and returns the end, its energy and what happened on the way.
Descent = Generator[np.ndarray, tuple[float, np.ndarray], tuple[np.ndarray, float, dict[str, Any]]]


def descent(start: np.ndarray, hessian: np.ndarray, weights: np.ndarray, longest: float = LONGEST) -> Descent:
    """Descend from a structure (Å); yield structures, be sent their energy and forces, and return the end.

    Args:
        start: Start, Å.
        hessian: Hessian near it, eV/Å².
        weights: Weight of each coordinate; ones for a descent without masses.
        longest: Largest motion of an atom in a step, Å.
    """
    x, h, n_calls, n_steps, length = start, FIRST_TIME, 1, 0, 0.0
    energy, force = yield x
    while n_calls < MAX_CALLS and _largest(force) > (FMAX if _largest(x - start) > PUSH_OFF_DISTANCE else START_FMAX):
        y, at, pull, solved = x, energy, force, False
        for _ in range(MAX_ITERATIONS):
            step = _newton_step(hessian, weights / h, pull, y - x)
            reach = np.inf if step is None else _largest(y + step - x)
            if step is None or reach > longest:
                h *= 0.5 if step is None else max(0.1, 0.9 * longest / reach)
                break
            before = pull
            at, pull = yield y + step
            n_calls, y = n_calls + 1, y + step
            hessian = _updated(hessian, step.ravel(), (before - pull).ravel())
            residual = pull - (weights * (y - x).ravel() / h).reshape(x.shape)
            if solved := _largest(residual) <= RESIDUAL * _largest(pull):
                break
        else:
            h /= 3
        if solved and at < energy:
            n_steps, length = n_steps + 1, length + float(np.linalg.norm(y - x))
            x, energy, force, h = y, at, pull, min(1.5 * h, LONGEST_TIME)
        elif solved:
            h /= 3
    ended = {"calls": n_calls, "steps": n_steps, "length_angstrom": length, "finished": n_calls < MAX_CALLS}
    return x, energy, ended


def _newton_step(hessian: np.ndarray, inertia: np.ndarray, pull: np.ndarray, moved: np.ndarray) -> np.ndarray | None:
    """Newton step to the solution of the equation of a step; None if that is not unique by a good margin."""
    try:
        cho_factor(hessian + np.diag(inertia / 2))
    except LinAlgError:
        return None
    residual = pull.ravel() - inertia * moved.ravel()
    return cho_solve(cho_factor(hessian + np.diag(inertia)), residual).reshape(pull.shape)


def _largest(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=-1).max()))


def _updated(hessian: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Bofill's mean of the symmetric rank-one formula and that of Powell, which keeps negative eigenvalues."""
    error, square = change - hessian @ step, step @ step
    along = error @ step
    share = along**2 / (square * (error @ error) + 1e-30)
    powell = (np.outer(error, step) + np.outer(step, error)) / square - along / square**2 * np.outer(step, step)
    # the share times the symmetric rank-one formula, without its division by zero
    return hessian + along / (square * (error @ error) + 1e-30) * np.outer(error, error) + (1 - share) * powell


def followed(surface: Surface, descents: Sequence[Descent]) -> list[tuple]:
    """Run descents side by side, and return their ends.

    Args:
        surface: The surface.
        descents: Descents that have not begun.
    """
    waiting, asked, ends = list(range(len(descents)))[::-1], {}, {}
    while len(ends) < len(descents):
        while waiting and len(asked) < ROWS:
            number = waiting.pop()
            asked[number] = next(descents[number])
        energies, forces = surface.evaluate(np.array(list(asked.values())))
        for number, energy, force in zip(list(asked), energies, forces, strict=True):
            try:
                asked[number] = descents[number].send((float(energy), force))
            except StopIteration as stopped:
                ends[number] = stopped.value
                del asked[number]
                print(f"{len(ends)} of {len(descents)} descents, {stopped.value[2]}", flush=True)
    return [ends[k] for k in range(len(descents))]
