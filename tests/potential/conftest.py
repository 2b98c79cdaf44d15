"""A small network in the files of the published SO3LR model."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict
from random_network import random_parameters

from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.mlff_v1 import array_places

PUBLISHED_HP = Hyperparameters(
    n_features=8,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=6,
    electrostatics=True,
    dispersion=True,
    trained_elements=(1, 6, 8),
    reference="PBE0+MBD",
)
MODEL = {
    "activation_fn": "silu",
    "cutoff": 4.5,
    "cutoff_fn": "phys",
    "degrees": [1, 2],
    "dispersion_energy_bool": True,
    "dispersion_energy_scale": 1.2,
    "electrostatic_energy_bool": True,
    "electrostatic_energy_scale": 4.0,
    "energy_activation_fn": "silu",
    "input_convention": "positions",
    "layer_normalization_1": True,
    "layer_normalization_2": True,
    "message_normalization": "avg_num_neighbors",
    "num_features": 8,
    "num_heads": 2,
    "num_layers": 1,
    "num_radial_basis_fn": 6,
    "qk_non_linearity": "identity",
    "radial_basis_fn": "bernstein",
    "residual_mlp_1": True,
    "residual_mlp_2": False,
    "use_charge_embed": True,
    "use_spin_embed": True,
    "zbl_repulsion_bool": True,
}


def published_arrays(params: dict) -> dict[str, np.ndarray]:
    """Our parameters by the published names and in the published shapes."""
    ours = {name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()}
    arrays = {}
    for name, path in array_places(PUBLISHED_HP).items():
        if name.endswith("radial_2/bias"):
            arrays[path] = np.full(8, 0.25, np.float32)
        elif name.endswith("spherical_2/bias"):
            arrays[path] = ours[name] - np.float32(0.25)
        elif name in ("charges/offset", "hirshfeld/offset"):
            arrays[path] = ours[name][:100, None]
        elif name.startswith("hirshfeld/element"):
            arrays[path] = ours[name][:100]
        else:
            arrays[path] = ours[name].reshape(1) if name.startswith("zbl") else ours[name]
    return arrays


@pytest.fixture(scope="session")
def published_parameters() -> dict:
    """Random parameters of a network that was trained on H, C and O."""
    params = random_parameters(PUBLISHED_HP, 2)
    scale = params["energy"]["scale"].at[np.array([1, 6, 8])].set(0.9)
    return params | {"energy": params["energy"] | {"scale": scale}}


@pytest.fixture
def write_published(published_parameters) -> Callable[..., Path]:
    """Writes a published folder; keywords change entries of the model, None leaves them out."""

    def write(folder: Path, arrays: dict[str, np.ndarray] | None = None, **changed) -> Path:
        folder.mkdir(exist_ok=True)
        flat = published_arrays(published_parameters) | (arrays or {})
        content = {"params": unflatten_dict({k: v for k, v in flat.items() if v is not None}, sep="/")}
        (folder / "params.pkl").write_bytes(pickle.dumps(content))
        model = {key: value for key, value in (MODEL | changed).items() if value is not None}
        hyperparameters = {"data": {"avg_num_neighbors": PUBLISHED_HP.average_neighbors}, "model": model}
        (folder / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        return folder

    return write
