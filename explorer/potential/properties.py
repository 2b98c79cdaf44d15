"""Parts of the energy, charges and dipoles of many structures of a molecule."""

import numpy as np
from jaxtyping import Float

from explorer.potential.potential import Potential
from explorer.potential.prediction import predict_all
from explorer.records.properties import Properties
from explorer.system import System


def properties_of(potential: Potential, system: System, positions: Float[np.ndarray, "n N 3"]) -> Properties | None:
    """Compute properties of structures other than their energy; None for a model without charges.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Å; the dipole of an ion refers to their origin.
    """
    if potential.components_fn is None or not len(positions):
        return None
    predicted, _ = predict_all(potential, system, positions)
    parts = predicted.parts
    if parts is None or parts.charges is None:
        return None
    arrays = {
        "local": parts.local,
        "zbl": parts.zbl,
        "electrostatic": parts.electrostatic,
        "dispersion": parts.dispersion,
        "charges": parts.charges,
        "dipoles": parts.dipole,
    }
    return Properties(**{name: np.asarray(part, float) for name, part in arrays.items()})
