"""L-BFGS in Cartesian coordinates with a trust radius, for systems without bonds such as atomic clusters."""

import jax.numpy as jnp

from explorer.relaxation.chart import Chart
from explorer.relaxation.quasi_newton import quasi_newton


def cartesian_chart(coordinates: None, n_atoms: int) -> Chart:
    """Build the chart of Cartesian coordinates, q = x, with a unit model Hessian known up to a factor.

    Args:
        coordinates: Not used; Cartesian coordinates need no definition.
        n_atoms: Number of atoms.
    """
    return Chart(
        size=3 * n_atoms,
        stiffness=jnp.ones(3 * n_atoms),
        frame=lambda positions: (),
        no_frame=lambda dtype: (),
        values=lambda frame, positions: positions.reshape(-1),
        difference=lambda frame, new, old: new - old,
        gradient=lambda frame, gradient: gradient,
        inverse_model_hessian=lambda frame, p: p,
        pull_back=lambda frame, change: change,
        push_forward=lambda frame, shift: shift,
        curved=False,
        scaled=True,
    )


CARTESIAN = quasi_newton(cartesian_chart)
"""Quasi-Newton minimiser with q = x and a multiple of the unit matrix as model Hessian.

The multiple is the curvature y·y / s·y of the last step (Nocedal & Wright, equation 7.20). It adapts to the scale of
the surface, from a Lennard-Jones cluster to the Müller-Brown surface.
"""
