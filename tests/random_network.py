"""Random parameters of networks, drawn without compiling a program."""

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.parameter_shapes import parameter_shapes

ONES = ("energy/scale", "hirshfeld/offset", "norm_1/scale", "norm_2/scale", "radial/widths")
# softplus of them is that of Ziegler, Littmark & Biersack, The Stopping and Range of Ions in Solids (1985)
SCREENING = {
    **{"zbl/a1": 3.1583, "zbl/a2": 0.4483, "zbl/a3": -0.7010, "zbl/a4": -1.4994, "zbl/p": -1.3519, "zbl/d": 2.0082},
    **{"zbl/c1": -1.6126, "zbl/c2": -0.4083, "zbl/c3": -1.1288, "zbl/c4": -3.5554},
}


def random_parameters(hp: Hyperparameters, seed: int) -> dict:
    """Parameters of the kind that training starts from (float32), as different from seed to seed.

    `initialize` compiles a program for seconds, one for each network.
    """
    rng = np.random.default_rng(seed)
    shapes = parameter_shapes(hp)
    return unflatten_dict({path: jnp.asarray(_drawn(path, shape, rng)) for path, shape in shapes.items()}, sep="/")


def _drawn(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    name = path.rsplit("/", 1)[-1]
    if name in ("kernel", "coefficients"):
        return rng.normal(scale=shape[-2] ** -0.5, size=shape).astype(np.float32)
    if name == "embedding":
        return rng.normal(scale=shape[-1] ** -0.5, size=shape).astype(np.float32)
    if name == "centres":
        return rng.uniform(0, 5, size=shape).astype(np.float32)
    value = SCREENING.get(path, float(path.endswith(ONES)))
    return np.full(shape, value, np.float32)
