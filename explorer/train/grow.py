"""A trained network with more channels or with value filters that computes the same function.

A channel is one copy of the Euclidean variables of a SO3krates network.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import VALUE_FILTER, couples


def with_channels(
    hp: Hyperparameters, params: Any, n_channels: int, filter_channels: int = 0
) -> tuple[Hyperparameters, Any]:
    """Return a network of the same function in which each channel is the sum of several new ones.

    With χ_a = Σ_j χ_aj, where each χ_aj has a part of the attention of χ_a, every invariant of the old channels is a
    sum of new ones, χ_a·χ_b = Σ_ij χ_ai·χ_bj. The weights of the new invariants follow from this. Training then makes
    the new channels different.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
        n_channels: New number of channels, a multiple of the present one.
        filter_channels: New number of channels that the filters distinguish, a multiple of the present one; 0 for all.

    Raises:
        ConfigError: For a number that is not a multiple.

    Source: Chen, Goodfellow & Shlens, Net2Net: Accelerating learning via knowledge transfer (2016),
    doi:10.48550/arXiv.1511.05641.
    """
    n_filtered = filter_channels or n_channels
    for name, old, new in (
        ("n_channels", hp.n_channels, n_channels),
        ("filter_channels", hp.n_filter_channels, n_filtered),
    ):
        if new % old:
            raise ConfigError(f"model.{name} can grow to a multiple of {old}, received {new}.")
    larger = replace(hp, n_channels=n_channels, filter_channels=filter_channels)
    degrees = np.arange(len(hp.degrees))[:, None]
    gate = (degrees * hp.n_channels + np.arange(n_channels) // (n_channels // hp.n_channels)).ravel()

    def gated(outputs: Float[np.ndarray, "*n FL"]) -> Float[np.ndarray, "*n FC"]:
        features, euclidean = np.split(outputs, [hp.n_features], axis=-1)
        return np.concatenate([features, euclidean[..., gate]], axis=-1)

    flat = {name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()}
    for name, value in flat.items():
        if name.endswith("spherical_1/kernel"):
            flat[name] = invariant_weights(value, len(degrees), hp.n_filter_channels, n_filtered)
        elif name.endswith("exchange/kernel"):
            feature_rows, invariant_rows = np.split(gated(value), [hp.n_features])
            invariant_rows = invariant_weights(invariant_rows, len(degrees), hp.n_channels, n_channels)
            flat[name] = np.concatenate([feature_rows, invariant_rows])
        elif name.endswith("exchange/bias"):
            flat[name] = gated(value)
    return larger, unflatten_dict(flat, sep="/")


def invariant_weights(
    kernel: Float[np.ndarray, "I n"], n_degrees: int, before: int, after: int
) -> Float[np.ndarray, "J n"]:
    """Return the weights of the invariants of the new channels that give the sums of the old invariants.

    Args:
        kernel: Weights of the invariants of the old channels.
        n_degrees: Number of degrees.
        before: Old number of channels.
        after: New number of channels, a multiple of the old one.
    """
    parts, old, new = after // before, couples(before), couples(after)
    old_couple = np.array([old.index((a // parts, b // parts)) for a, b in new])
    # the old invariant that each new one is a part of
    old_invariant = (np.arange(n_degrees)[:, None] * len(old) + old_couple).ravel()
    # χ_ai·χ_aj with i ≠ j occurs twice in the square of a sum, but once among the couples
    times = np.tile([2.0 if a != b and a // parts == b // parts else 1.0 for a, b in new], n_degrees)
    return (kernel[old_invariant] * times[:, None]).astype(kernel.dtype)


def with_value_filter(hp: Hyperparameters, params: Any) -> tuple[Hyperparameters, Any]:
    """Return a network of the same function with value filters, whose weights are zero before the training.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
    """
    zero = {"kernel": np.zeros((hp.n_radial, hp.n_features), np.float32)}
    extended = {
        name: {**module, "attention": {VALUE_FILTER: zero, **module["attention"]}} if "attention" in module else module
        for name, module in params.items()
    }
    return replace(hp, value_filter=True), extended
