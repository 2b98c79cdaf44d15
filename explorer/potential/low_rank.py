"""The radial filters of a network as sums of a few common functions: the same energies for a fraction of the work.

A radial filter network maps a distance to F numbers, for each layer twice. All of them together, several hundred
functions of one variable, span a space of some forty dimensions to nine digits. A singular value decomposition
on Chebyshev nodes finds its basis; each filter is then one small matrix product with it, in energy and gradient.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.potential.basis import N_CHEBYSHEV, NEAREST, chebyshev_basis
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import KINDS, VALUE_FILTER
from explorer.potential.so3krates import radial_basis

N_NODES = 4 * N_CHEBYSHEV
SMALLEST = 1e-9  # singular values below, relative to the largest, are left out
MULTIPLE = 8  # of which the number of functions is one, for the vector units


def low_rank(hp: Hyperparameters, params: Any) -> tuple[Hyperparameters, Any]:
    """The same network with its radial filter networks replaced by linear maps of a common basis.

    Energies and forces of a peptide of 162 atoms change by less than 1e-6 eV and 1e-6 eV/Å. Pairs that are closer
    than 0.5 Å count as 0.5 Å apart in the filters. A network whose filters are linear already stays as it is.

    Args:
        hp: of the network.
        params: its parameters.
    """
    if hp.radial_filter != "mlp":
        return hp, params
    with jax.enable_x64(True):
        nodes = np.cos(np.pi * (np.arange(N_NODES) + 0.5) / N_NODES)
        distances = jnp.asarray(NEAREST + (nodes + 1) / 2 * (hp.cutoff - NEAREST))
        values = np.concatenate([_filter(hp, params, layer, name, distances) for layer, name in _filters(hp)], axis=1)
        polynomials = np.asarray(chebyshev_basis(distances, hp.cutoff))
    functions, sizes, weights = np.linalg.svd(values, full_matrices=False)
    n_kept = MULTIPLE * -(-int(np.sum(sizes > SMALLEST * sizes[0])) // MULTIPLE)
    # functions of order 1, as those of other bases are
    coefficients = np.linalg.lstsq(polynomials, functions[:, :n_kept], rcond=None)[0] * N_NODES**0.5
    weights = sizes[:n_kept, None] * weights[:n_kept] / N_NODES**0.5
    linear = {"radial": {"coefficients": coefficients}, **params}
    for (layer, name), kernel in zip(_filters(hp), np.split(weights, len(_filters(hp)), axis=1), strict=True):
        linear = _with_filter(linear, layer, name, kernel)
    return replace(hp, radial_basis="chebyshev", radial_filter="linear", n_radial=n_kept), linear


def _filters(hp: Hyperparameters) -> list[tuple[str, str]]:
    names = [f"filter_{kind}" for kind in KINDS] + [VALUE_FILTER] * hp.value_filter
    return [(f"layer_{layer}", name) for layer in range(hp.n_layers) for name in names]


def _filter(hp: Hyperparameters, params: Any, layer: str, name: str, distances: Any) -> Float[np.ndarray, "n F"]:
    """Values of one radial filter, without the bias of its network."""
    of_filter = params[layer]["attention"][name]
    if name == VALUE_FILTER:
        return np.asarray(radial_basis(distances, hp) @ jnp.asarray(of_filter["kernel"], float))
    first, second = of_filter["radial_1"], of_filter["radial_2"]
    hidden = radial_basis(distances, hp) @ jnp.asarray(first["kernel"], float) + jnp.asarray(first["bias"], float)
    return np.asarray(jax.nn.silu(hidden) @ jnp.asarray(second["kernel"], float))


def _with_filter(params: Any, layer: str, name: str, kernel: Float[np.ndarray, "K F"]) -> Any:
    """Parameters in which one filter is linear; nothing that was given is changed."""
    attention = params[layer]["attention"]
    kept = {part: weights for part, weights in attention[name].items() if part.startswith("spherical")}
    of_radial = {"kernel": kernel} if name == VALUE_FILTER else {"radial_2": {"kernel": kernel}}
    attention = {**attention, name: {**kept, **of_radial}}
    return {**params, layer: {**params[layer], "attention": attention}}
