"""More layers for a trained network, which begin as the identity."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize


def deepened(hp: Hyperparameters, params: Any, n_layers: int, seed: int) -> tuple[Hyperparameters, Any]:
    """The network with layers appended that pass on what they are given, so that its energy is what it was.

    What a new layer adds to the features (value, residual MLP, exchange) begins at zero. A norm leaves alone what comes
    from a norm without scale and bias, so the scale and bias of the last norm move to the new last one.

    Args:
        hp: of the network.
        params: of the network.
        n_layers: of the new one, at least as many.
        seed: of the parameters that begin at random: filters, queries and keys.

    Source: Chen, Goodfellow, Shlens, Net2Net: accelerating learning via knowledge transfer (2016),
    https://arxiv.org/abs/1511.05641.
    """
    if n_layers == hp.n_layers:
        return hp, params
    deeper = replace(hp, n_layers=n_layers)
    fresh = initialize(deeper, seed)
    new = {f"layer_{k}": _identity(fresh[f"layer_{k}"]) for k in range(hp.n_layers, n_layers)}
    last, end = f"layer_{hp.n_layers - 1}", f"layer_{n_layers - 1}"
    before = _without_exchange(params[last], hp.n_features)
    if hp.layer_norm:
        new[end] = new[end] | {"norm_2": before["norm_2"]}
        before = before | {"norm_2": fresh[last]["norm_2"]}
    return deeper, params | {last: before} | new


def _identity(layer: Any) -> Any:
    """A new layer that adds nothing to the features."""
    attention = layer["attention"]
    silent = {"exchange": _zeros(layer["exchange"]), "attention": attention | {"value": _zeros(attention["value"])}}
    if "residual_mlp" in layer:
        silent["residual_mlp"] = layer["residual_mlp"] | {"dense_2": _zeros(layer["residual_mlp"]["dense_2"])}
    return layer | silent


def _without_exchange(layer: Any, n_features: int) -> Any:
    """The last layer of a network, whose factors of the Euclidean variables led nowhere and were never trained."""
    size = layer["exchange"]["bias"].shape[-1]
    trained = jnp.arange(size) < n_features
    return layer | {"exchange": {name: jnp.where(trained, p, 0) for name, p in layer["exchange"].items()}}


def _zeros(dense: Any) -> Any:
    return {name: jnp.zeros_like(p) for name, p in dense.items()}
