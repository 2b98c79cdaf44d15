"""L-BFGS in Cartesian coordinates with a trust radius, for systems without bonds such as atomic clusters."""

from functools import lru_cache

import numpy as np

from explorer.config import RelaxSettings
from explorer.relaxation.chart import Chart
from explorer.relaxation.quasi_newton import CARTESIAN_TRUST_RADIUS, quasi_newton
from explorer.relaxation.state import Relaxer


@lru_cache(maxsize=8)  # the same object each time, so that the next search reuses the compiled program
def cartesian_relaxer(n_atoms: int, settings: RelaxSettings) -> Relaxer:
    """Build the quasi-Newton minimiser with q = x and a multiple of the unit matrix as model Hessian.

    The multiple is the curvature y·y / s·y of the last step (Nocedal & Wright, equation 7.20). It adapts to the
    scale of the surface, from a Lennard-Jones cluster to the Müller-Brown surface.

    Args:
        n_atoms: Number of atoms.
        settings: Convergence thresholds and trust radius.
    """
    return quasi_newton(cartesian_chart(n_atoms), settings, min(settings.trust_radius, CARTESIAN_TRUST_RADIUS))


def cartesian_chart(n_atoms: int) -> Chart:
    """Build the chart of Cartesian coordinates, q = x, with a unit model Hessian known up to a factor.

    Args:
        n_atoms: Number of atoms.
    """
    return Chart(
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
