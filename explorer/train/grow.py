"""A trained network with more channels of Euclidean variables, its function kept, to be trained on."""

from dataclasses import replace
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import couples


def with_channels(hp: Hyperparameters, params: Any, n_channels: int) -> tuple[Hyperparameters, Any]:
    """A network of the same function where each channel is the sum of several new ones.

    With χ_a = Σ_j χ_aj, where each χ_aj has a part of the attention of χ_a, every invariant of the old channels is a
    sum of new ones, χ_a·χ_b = Σ_ij χ_ai·χ_bj, and weighs them accordingly. Training then tells the new channels apart.

    Args:
        hp: of the network.
        params: of the network.
        n_channels: a multiple of those of the network.

    Raises:
        ConfigError: for another number.

    Source: after Chen, Goodfellow & Shlens, Net2Net: Accelerating learning via knowledge transfer (2016),
    doi:10.48550/arXiv.1511.05641.
    """
    if n_channels % hp.n_channels:
        raise ConfigError(f"model.n_channels can grow to a multiple of {hp.n_channels}, received {n_channels}.")
    parts, degrees = n_channels // hp.n_channels, np.arange(len(hp.degrees))[:, None]
    old, new = couples(hp.n_channels), couples(n_channels)
    couple = np.array([old.index((a // parts, b // parts)) for a, b in new])
    invariant = (degrees * len(old) + couple).ravel()  # of which each new one is a part
    times = np.tile([2.0 if a != b and a // parts == b // parts else 1.0 for a, b in new], len(degrees))
    gate = (degrees * hp.n_channels + np.arange(n_channels) // parts).ravel()

    def of_invariants(kernel: Float[np.ndarray, "I n"]) -> Float[np.ndarray, "J n"]:
        return (kernel[invariant] * times[:, None]).astype(kernel.dtype)

    def gated(of_outputs: Float[np.ndarray, "*n FL"]) -> Float[np.ndarray, "*n FC"]:
        features, euclidean = np.split(of_outputs, [hp.n_features], axis=-1)
        return np.concatenate([features, euclidean[..., gate]], axis=-1)

    flat = {name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()}
    for name, value in flat.items():
        if name.endswith("spherical_1/kernel"):
            flat[name] = of_invariants(value)
        elif name.endswith("exchange/kernel"):
            of_features, of_old = np.split(gated(value), [hp.n_features])
            flat[name] = np.concatenate([of_features, of_invariants(of_old)])
        elif name.endswith("exchange/bias"):
            flat[name] = gated(value)
    return replace(hp, n_channels=n_channels), unflatten_dict(flat, sep="/")
