"""Low-rank form of the radial filters of a network: the same energies for a fraction of the work.

Each layer has two radial filter networks, which map the distance of a pair to F numbers each. Together they are several
hundred functions of a single variable, W(d) = [w_1(d) ... w_n(d)]. They are smooth, so they are far from independent:
to nine digits they span a space of only about forty dimensions. This module finds a basis of that space and writes
every filter as a linear map of the basis:

1. Tabulate all filters at Chebyshev nodes d_k: a matrix W of nodes by functions. There are four times as many nodes as
   polynomials, so that the fit of step 3 is overdetermined.
2. Decompose W = U Σ Vᵀ and keep the columns of U with singular values above 1e-9 of the largest. The kept columns are
   values of the basis functions u_r(d) at the nodes, and Σ Vᵀ are the weights that combine them to the filters.
3. Fit each u_r by Chebyshev polynomials, u_r(d) = Σ_n c_nr T_n(x(d)), which are evaluated at any distance.

The network then computes T(d) C once per pair, and each filter is one small matrix product with it, in the energy as in
the gradient; no hidden layer of a filter network is evaluated any more.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.potential.basis import CHEBYSHEV_START, N_CHEBYSHEV, chebyshev_basis
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import ATTENTION_KINDS, VALUE_FILTER, activation, last_layer
from explorer.potential.so3krates import LEARNED_BASES, apply, radial_basis

_N_POLYNOMIALS = (N_CHEBYSHEV, 2 * N_CHEBYSHEV)  # the second for many narrow radial functions
_LARGEST_MISFIT = 1e-10  # of polynomials, relative to the largest filter; not tuned
_SINGULAR_VALUE_CUTOFF = 1e-9  # relative to the largest; energies and forces change by less than 1e-6 eV and 1e-6 eV/Å
_RANK_MULTIPLE = 8  # the number of functions is a multiple of the width of vector units


def low_rank(hp: Hyperparameters, params: Any) -> tuple[Hyperparameters, Any]:
    """Replace the radial filter networks of a network by linear maps of a common basis.

    Energies and forces of a peptide of 162 atoms change by less than 1e-6 eV and 1e-6 eV/Å. The filters of pairs
    closer than 0.5 Å are evaluated at 0.5 Å. A network with linear filters, or with filters that are too sharp for
    polynomials, is returned unchanged.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.

    Returns:
        Hyperparameters and parameters of the same network with linear filters.
    """
    if hp.radial_filter != "mlp":
        return hp, params
    for n_polynomials in _N_POLYNOMIALS:
        values, polynomials = _tables(hp, params, n_polynomials)
        fitted = polynomials @ np.linalg.lstsq(polynomials, values, rcond=None)[0]
        if np.abs(fitted - values).max() <= _LARGEST_MISFIT * np.abs(values).max():
            break
    else:
        return hp, params
    n_nodes = len(values)
    functions, sizes, weights = np.linalg.svd(values, full_matrices=False)
    n_kept = _RANK_MULTIPLE * -(-int(np.sum(sizes > _SINGULAR_VALUE_CUTOFF * sizes[0])) // _RANK_MULTIPLE)
    # columns of U have norm 1; scaled by √(number of nodes), the functions are of order 1 as in other bases
    coefficients = np.linalg.lstsq(polynomials, functions[:, :n_kept], rcond=None)[0] * n_nodes**0.5
    weights = sizes[:n_kept, None] * weights[:n_kept] / n_nodes**0.5
    linear = {**params, "radial": {"coefficients": coefficients}}
    for (layer, name), kernel in zip(_filters(hp), np.split(weights, len(_filters(hp)), axis=1), strict=True):
        linear = _with_filter(linear, layer, name, kernel)
    return replace(
        hp, radial_basis="chebyshev", radial_filter="linear", n_radial=n_kept, n_polynomials=n_polynomials
    ), linear


def _tables(
    hp: Hyperparameters, params: Any, n_polynomials: int
) -> tuple[Float[np.ndarray, "n W"], Float[np.ndarray, "n T"]]:
    """All filters and polynomials at four times as many Chebyshev nodes as polynomials."""
    n_nodes = 4 * n_polynomials
    with jax.enable_x64(True):
        nodes = np.cos(np.pi * (np.arange(n_nodes) + 0.5) / n_nodes)
        distances = CHEBYSHEV_START + (nodes + 1) / 2 * (hp.cutoff - CHEBYSHEV_START)

        @jax.jit  # one program in place of some hundred single operations
        def tables(params: Any, distances: Float[Array, "n"]) -> tuple[Array, Array]:
            values = [_filter(hp, params, layer, name, distances) for layer, name in _filters(hp)]
            return jnp.concatenate(values, axis=1), chebyshev_basis(distances, hp.cutoff, n_polynomials)

        values, polynomials = tables(params, distances)
        return np.asarray(values), np.asarray(polynomials)


def _filters(hp: Hyperparameters) -> list[tuple[str, str]]:
    names = [f"filter_{kind}" for kind in ATTENTION_KINDS] + [VALUE_FILTER] * hp.value_filter
    return [(f"layer_{layer}", name) for layer in range(hp.n_layers) for name in names]


def _filter(
    hp: Hyperparameters, params: Any, layer: str, name: str, distances: Float[Array, "n"]
) -> Float[Array, "n F"]:
    """Values of one radial filter, without the bias of its network."""
    of_filter = params[layer]["attention"][name]
    x = radial_basis(distances, hp)
    if hp.radial_basis in LEARNED_BASES:
        x = apply(LEARNED_BASES[hp.radial_basis](hp.n_radial), params["radial"], x)
    if name == VALUE_FILTER:
        return x @ jnp.asarray(of_filter["kernel"], float)
    widths, _ = hp.filter_layers(name.removeprefix("filter_"))
    for k in range(1, len(widths) + 1):
        layer_k = of_filter[f"radial_{k}"]
        x = activation(hp.activation)(x @ jnp.asarray(layer_k["kernel"], float) + jnp.asarray(layer_k["bias"], float))
    return x @ jnp.asarray(of_filter[last_layer("radial", len(widths))]["kernel"], float)


def _with_filter(params: Any, layer: str, name: str, kernel: Float[np.ndarray, "K F"]) -> Any:
    """Copy of the parameters with one linear filter."""
    attention = params[layer]["attention"]
    kept = {part: weights for part, weights in attention[name].items() if part.startswith("spherical")}
    # a filter without spherical part keeps the bias of its last layer, the only one that is not tabulated
    last = max((part for part in attention[name] if part.startswith("radial")), default="")
    bias = {} if kept or not last else {"bias": attention[name][last]["bias"]}
    of_radial = {"kernel": kernel} if name == VALUE_FILTER else {"radial_2": {"kernel": kernel, **bias}}
    attention = {**attention, name: {**kept, **of_radial}}
    return {**params, layer: {**params[layer], "attention": attention}}
