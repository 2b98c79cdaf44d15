"""A trained network with more features that computes the same function, to be trained further."""

from dataclasses import replace
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.parameter_shapes import parameter_shapes

# Concentration of the Dirichlet distribution of shares: those of two copies differ by a quarter on average; not tuned.
_SHARE_CONCENTRATION = 4.0
_PER_HEAD_MODULES = ("query_feature", "query_euclidean", "key_feature", "key_euclidean", "value")
# Factors of a sum of products over features: of the plain sum, and of the sum divided by the root of its length.
_SUM_FACTORS = ("radial_2/kernel", "spherical_2/kernel", "spherical_2/bias")
_SCALED_SUM_FACTORS = ("query/embedding", "hirshfeld/element/embedding")


def with_features(hp: Hyperparameters, params: Any, n_features: int) -> tuple[Hyperparameters, Any]:
    """Return a network of the same function in which each feature and each hidden unit has several adjacent copies.

    y = Σ_i w_i x_i becomes Σ_ij w_ij x_ij with x_ij = x_i and Σ_j w_ij = w_i. The shares w_ij / w_i are drawn at
    random for each weight, so that training makes the copies different.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        n_features: New number of features, a multiple of the present one.

    Raises:
        ConfigError: For a number that is not a multiple.

    Source: Chen, Goodfellow & Shlens, Net2Net: Accelerating learning via knowledge transfer (2016),
    doi:10.48550/arXiv.1511.05641.
    """
    if n_features < 1 or n_features % hp.n_features:
        raise ConfigError(f"model.n_features can grow to a multiple of {hp.n_features}, received {n_features}.")
    copies, larger, rng = n_features // hp.n_features, replace(hp, n_features=n_features), np.random.default_rng(0)
    if copies == 1:
        return hp, params
    new_shapes = parameter_shapes(larger)
    flat = {name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()}
    for name, value in flat.items():
        dtype, inputs = value.dtype, _axis_of_inputs(name, value.ndim)
        n_copied = [(new - old) // (copies - 1) for old, new in zip(value.shape, new_shapes[name], strict=True)]
        for axis, n in enumerate(n_copied):  # copy the first n along the axis; the rest has no copies
            value = np.repeat(value, np.where(np.arange(value.shape[axis]) < n, copies, 1), axis=axis)
        if inputs is not None and n_copied[inputs]:
            value = value * _shares(rng, value.shape, inputs, n_copied[inputs], copies)
        if name.endswith(_SUM_FACTORS + _SCALED_SUM_FACTORS):
            factor = copies**0.5 if name.endswith(_SCALED_SUM_FACTORS) else 1
            value = value * _shares(rng, value.shape[-1:], 0, n_copied[-1], copies) * factor
        flat[name] = value.astype(dtype)
    return larger, unflatten_dict(flat, sep="/")


def _axis_of_inputs(name: str, n_axes: int) -> int | None:
    """Return the axis of a weight matrix that is summed over; None for other parameters."""
    *_, module, leaf = name.split("/")
    if leaf != "kernel":
        return None
    return n_axes - (1 if module in _PER_HEAD_MODULES else 2)


def _shares(
    rng: np.random.Generator, shape: tuple[int, ...], axis: int, n: int, copies: int
) -> Float[np.ndarray, "*s"]:
    """Draw the shares of the copies of the first n elements along an axis, which sum to 1; 1 for other elements."""
    others = shape[:axis] + shape[axis + 1 :]
    shares = np.ones((*others, shape[axis]))
    shares[..., : n * copies] = rng.dirichlet(np.full(copies, _SHARE_CONCENTRATION), (*others, n)).reshape(*others, -1)
    return np.moveaxis(shares, -1, axis)
