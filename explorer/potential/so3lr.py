"""Reader of the published SO3LR model: `params.pkl` with `hyperparameters.json` or `.yaml`.

Source: Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from flax.traverse_util import unflatten_dict

from explorer.errors import CheckpointError
from explorer.potential.checkpoint import check_shapes, digest_of
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.unpickle import read_arrays

_PARAMETERS_FILE = "params.pkl"
_HYPERPARAMETERS_FILES = ("hyperparameters.json", "hyperparameters.yaml")
_SO3LR_REFERENCE = "PBE0+MBD"  # method of the labels of the published training data

# values that are implemented; None if the key may be absent
_IMPLEMENTED_VARIANTS = {
    "activation_fn": ("silu",),
    "qk_non_linearity": ("identity",),
    "residual_mlp_2": (False, None),
    "input_convention": ("positions",),
    "radial_basis_fn": ("bernstein",),
    "cutoff_fn": ("phys", "cosine"),
    "message_normalization": ("avg_num_neighbors", "sqrt_num_features"),
    "energy_activation_fn": ("silu", "identity"),
}


def read_so3lr(folder: Path) -> tuple[Hyperparameters, Any]:
    """Read hyperparameters and parameters of a published folder, in the names and shapes of this project.

    Parameters stay float32, but the network of this project merges some pairs of biases, and their sums are float64.

    Raises:
        CheckpointError: If a file is missing or damaged, or describes a network that is not implemented.
    """
    for name in (folder / _PARAMETERS_FILE, _hyperparameter_file(folder)):
        if not name.is_file():
            raise CheckpointError(
                f"{name} is missing. A published SO3LR folder was wanted, with {_PARAMETERS_FILE} and "
                f"{' or '.join(_HYPERPARAMETERS_FILES)}; received {folder}."
            )
    arrays = read_arrays(folder / _PARAMETERS_FILE)
    published = {name.removeprefix("params/"): value for name, value in arrays.items()}
    try:
        hp = _hyperparameters(_read(_hyperparameter_file(folder)), published)
        params = _parameters(published, hp)
    except KeyError as error:
        raise CheckpointError(f"{folder}: {error.args[0]} is missing, so this is not an SO3LR model.") from None
    if published:
        raise CheckpointError(
            f"{folder / _PARAMETERS_FILE} holds {len(published)} arrays for which there is no place, such as "
            f"{min(published)}: this network is not SO3LR. Get the files from its authors."
        )
    check_shapes(hp, params, folder)
    return hp, unflatten_dict(params, sep="/")


def so3lr_digest(folder: Path) -> str:
    """Return the digest of the published files that a run records."""
    return digest_of(folder / _PARAMETERS_FILE, _hyperparameter_file(folder))


def _hyperparameter_file(folder: Path) -> Path:
    candidates = (folder / name for name in _HYPERPARAMETERS_FILES if (folder / name).is_file())
    return next(candidates, folder / _HYPERPARAMETERS_FILES[0])


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        model, data = content["model"], content["data"]
        return {**model, "average_neighbors": data["avg_num_neighbors"]}
    except (json.JSONDecodeError, yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise CheckpointError(f"{path} does not hold hyperparameters of SO3LR ({error}). Get it again.") from None


def _hyperparameters(theirs: Mapping[str, Any], published: Mapping[str, np.ndarray]) -> Hyperparameters:
    for name, choices in _IMPLEMENTED_VARIANTS.items():
        if theirs.get(name) not in choices:
            raise CheckpointError(
                f"{name} must be {' or '.join(str(c) for c in choices)}, received {theirs.get(name)!r}: that variant "
                "of the network is not implemented."
            )
    for one, other in (("layer_normalization_1", "layer_normalization_2"), ("use_charge_embed", "use_spin_embed")):
        if theirs[one] != theirs[other]:
            raise CheckpointError(f"{one} and {other} must both be on or both off; that variant is not implemented.")
    by_neighbors = theirs["message_normalization"] == "avg_num_neighbors"
    # scales start as 1 and change only for elements in the training data
    trained = np.flatnonzero(published["observables_0/atomic_scales"] != 1)
    return Hyperparameters(
        n_features=theirs["num_features"],
        n_heads=theirs["num_heads"],
        degrees=tuple(theirs["degrees"]),
        n_layers=theirs["num_layers"],
        n_radial=theirs["num_radial_basis_fn"],
        radial_basis=theirs["radial_basis_fn"],
        cutoff_function=theirs["cutoff_fn"],
        cutoff=theirs["cutoff"],
        attention_scale="neighbors" if by_neighbors else "sqrt_features",
        average_neighbors=theirs["average_neighbors"],
        layer_norm=theirs["layer_normalization_1"],
        residual_mlp=theirs["residual_mlp_1"],
        charge_spin_embedding=theirs["use_charge_embed"],
        energy_activation=theirs["energy_activation_fn"],
        zbl=theirs["zbl_repulsion_bool"],
        electrostatics=theirs["electrostatic_energy_bool"],
        electrostatics_scale=theirs["electrostatic_energy_scale"],
        dispersion=theirs["dispersion_energy_bool"],
        dispersion_scale=theirs["dispersion_energy_scale"],
        trained_elements=tuple(int(number) for number in trained),
        reference=_SO3LR_REFERENCE,
    )


def _parameters(published: dict[str, np.ndarray], hp: Hyperparameters) -> dict[str, np.ndarray]:
    """Parameters in the names and shapes of this project; used arrays are removed from `published`."""
    ours = {name: published.pop(path) for name, path in array_places(hp).items()}
    for layer in range(hp.n_layers):
        for kind in ("feature", "euclidean"):
            at = f"layer_{layer}/attention/filter_{kind}"
            # only the sum of both biases enters the filter
            radial = ours.pop(f"{at}/radial_2/bias").astype(np.float64)
            ours[f"{at}/spherical_2/bias"] = radial + ours[f"{at}/spherical_2/bias"]
    for name, value in ours.items():
        if name.startswith("zbl/"):
            ours[name] = value.reshape(())
        elif name in ("charges/offset", "hirshfeld/offset"):
            ours[name] = _all_elements(value[:, 0])
        elif name == "hirshfeld/element/embedding":
            ours[name] = _all_elements(value)
    return ours


def _all_elements(table: np.ndarray) -> np.ndarray:
    """Table of the first elements, padded with zeros for the others."""
    missing = np.zeros((max(0, N_ELEMENTS - len(table)), *table.shape[1:]), table.dtype)
    return np.concatenate([table, missing])


def array_places(hp: Hyperparameters) -> dict[str, str]:
    """Map the names of the parameters of this project to the paths of published arrays."""
    places = {"embedding/element/embedding": "feature_embeddings_0/Embed_0/embedding"}
    if hp.charge_spin_embedding:
        places |= _share("charge", "feature_embeddings_1") | _share("spin", "feature_embeddings_2")
    for layer in range(hp.n_layers):
        places |= _layer(hp, layer)
    head = "observables_0"
    places |= _dense("energy/dense_1", f"{head}/energy_dense_regression")
    places |= _dense("energy/dense_2", f"{head}/energy_dense_final")
    places |= {"energy/scale": f"{head}/atomic_scales", "energy/offset": f"{head}/energy_offset"}
    if hp.zbl:
        scalars = [f"{letter}{k}" for letter in "ac" for k in (1, 2, 3, 4)] + ["p", "d"]
        places |= {f"zbl/{name}": f"{head}/zbl_repulsion/{name}" for name in scalars}
    if hp.electrostatics:
        charges = f"{head}/electrostatic_energy/partial_charges"
        places |= {"charges/offset": f"{charges}/Embed_0/embedding"}
        places |= _dense("charges/dense_1", f"{charges}/charge_dense_regression_vec")
        places |= _dense("charges/dense_2", f"{charges}/charge_dense_final_vec")
    if hp.dispersion:
        ratios = "observables_2"
        places |= {"hirshfeld/offset": f"{ratios}/Embed_0/embedding"}
        places |= {"hirshfeld/element/embedding": f"{ratios}/Embed_1/embedding"}
        places |= _dense("hirshfeld/dense_1", f"{ratios}/hirshfeld_ratios_dense_regression")
        places |= _dense("hirshfeld/dense_2", f"{ratios}/hirshfeld_ratios_dense_final")
    return places


def _share(ours: str, theirs: str) -> dict[str, str]:
    block = f"{theirs}/ChargeSpinEmbedSparse_0"
    places = {
        f"embedding/{ours}/{table}/embedding": f"{block}/Embed_{k}/embedding"
        for k, table in enumerate(("query", "key", "value"))
    }
    return places | {f"embedding/{ours}/dense_{k + 1}/kernel": f"{block}/Residual_0/layers_{k}/kernel" for k in (0, 1)}


def _layer(hp: Hyperparameters, layer: int) -> dict[str, str]:
    ours, theirs = f"layer_{layer}", f"layers_{layer}"
    places = {f"{ours}/attention/value/kernel": f"{theirs}/attention_block/Wv1"}
    for n, kind in enumerate(("feature", "euclidean"), start=1):
        for part in ("radial", "spherical"):
            for k in (1, 2):
                there = f"{theirs}/attention_block/{part}_filter{n}_layer_{k}"
                places |= _dense(f"{ours}/attention/filter_{kind}/{part}_{k}", there)
        for name, matrix in (("query", "Wq"), ("key", "Wk")):
            places[f"{ours}/attention/{name}_{kind}/kernel"] = f"{theirs}/attention_block/{matrix}{n}"
    for n in (1, 2):
        if hp.layer_norm:
            norm = f"{theirs}/layer_normalization_{n}"
            places |= {f"{ours}/norm_{n}/{part}": f"{norm}/{part}" for part in ("scale", "bias")}
        if hp.residual_mlp:
            places |= _dense(f"{ours}/residual_mlp/dense_{n}", f"{theirs}/res_mlp_1_layer_{n}")
    return places | _dense(f"{ours}/exchange", f"{theirs}/exchange_block/mlp_layer_2")


def _dense(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}/{part}": f"{theirs}/{part}" for part in ("kernel", "bias")}
