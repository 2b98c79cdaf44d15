"""A trained network with more channels of Euclidean variables or with value filters, its function kept."""

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
    """A network of the same function where each channel is the sum of several new ones.

    With χ_a = Σ_j χ_aj, where each χ_aj has a part of the attention of χ_a, every invariant of the old channels is a
    sum of new ones, χ_a·χ_b = Σ_ij χ_ai·χ_bj, and weighs them accordingly. Training then tells the new channels apart.

    Args:
        hp: of the network.
        params: of the network.
        n_channels: a multiple of those of the network.
        filter_channels: a multiple of those that its filters tell apart, 0 for all.

    Raises:
        ConfigError: for another number.

    Source: after Chen, Goodfellow & Shlens, Net2Net: Accelerating learning via knowledge transfer (2016),
    doi:10.48550/arXiv.1511.05641.
    """
    contrasted = filter_channels or n_channels
    for name, old, new in (
        ("n_channels", hp.n_channels, n_channels),
        ("filter_channels", hp.n_contrasted, contrasted),
    ):
        if new % old:
            raise ConfigError(f"model.{name} can grow to a multiple of {old}, received {new}.")
    larger = replace(hp, n_channels=n_channels, filter_channels=filter_channels)
    degrees = np.arange(len(hp.degrees))[:, None]
    gate = (degrees * hp.n_channels + np.arange(n_channels) // (n_channels // hp.n_channels)).ravel()

    def gated(of_outputs: Float[np.ndarray, "*n FL"]) -> Float[np.ndarray, "*n FC"]:
        features, euclidean = np.split(of_outputs, [hp.n_features], axis=-1)
        return np.concatenate([features, euclidean[..., gate]], axis=-1)

    flat = {name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()}
    for name, value in flat.items():
        if name.endswith("spherical_1/kernel"):
            flat[name] = of_invariants(value, len(degrees), hp.n_contrasted, contrasted)
        elif name.endswith("exchange/kernel"):
            of_features, of_old = np.split(gated(value), [hp.n_features])
            of_new = of_invariants(of_old, len(degrees), hp.n_channels, n_channels)
            flat[name] = np.concatenate([of_features, of_new])
        elif name.endswith("exchange/bias"):
            flat[name] = gated(value)
    return larger, unflatten_dict(flat, sep="/")


def of_invariants(
    kernel: Float[np.ndarray, "I n"], n_degrees: int, before: int, after: int
) -> Float[np.ndarray, "J n"]:
    """Weights of the invariants of so many channels after from those of the channels before."""
    parts, old, new = after // before, couples(before), couples(after)
    couple = np.array([old.index((a // parts, b // parts)) for a, b in new])
    invariant = (np.arange(n_degrees)[:, None] * len(old) + couple).ravel()  # of which each new one is a part
    times = np.tile([2.0 if a != b and a // parts == b // parts else 1.0 for a, b in new], n_degrees)
    return (kernel[invariant] * times[:, None]).astype(kernel.dtype)


def with_value_filter(hp: Hyperparameters, params: Any) -> tuple[Hyperparameters, Any]:
    """A network of the same function with value filters, which are zero until it is trained on.

    Args:
        hp: of the network.
        params: of the network.
    """
    zero = {"kernel": np.zeros((hp.n_radial, hp.n_features), np.float32)}
    grown = {
        name: {**module, "attention": {VALUE_FILTER: zero, **module["attention"]}} if "attention" in module else module
        for name, module in params.items()
    }
    return replace(hp, value_filter=True), grown
