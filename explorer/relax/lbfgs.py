"""L-BFGS in Cartesian coordinates with a trust radius: for atomic clusters and particles, which have no bonds."""

from functools import lru_cache

import numpy as np

from explorer.config import RelaxSettings
from explorer.relax.chart import Chart
from explorer.relax.quasi_newton import CARTESIAN_RADIUS, quasi_newton
from explorer.relax.state import Relaxer


@lru_cache(maxsize=8)  # one relaxer, so that what is compiled for it serves the next search as well
def cartesian_relaxer(n_atoms: int, settings: RelaxSettings) -> Relaxer:
    """The quasi-Newton minimiser with q = x and a multiple of 1 as model Hessian.

    The multiple is the curvature y·y / s·y of the last step (Nocedal & Wright, equation 7.20), so that
    it suits a Lennard-Jones cluster as well as the Müller-Brown surface.

    Args:
        n_atoms: of the system.
        settings: when it is done.
    """
    chart = Chart(
        stiffness=np.ones(3 * n_atoms),
        values=lambda frame, positions: positions.reshape(-1),
        difference=lambda frame, new, old: new - old,
        frame=lambda positions: (),
        gradient=lambda frame, gradient: gradient,
        inverse_model_hessian=lambda frame, p: p,
        pull_back=lambda frame, change: change,
        push_forward=lambda frame, shift: shift,
        curved=False,
        scaled=True,
    )
    return quasi_newton(chart, settings, min(settings.trust_radius, CARTESIAN_RADIUS))
