"""Networks of mlff 1.0 (`train_so3krates_sparse`), of its fork behind SO3LR, and their parameters in our names.

Source of the network: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6; of the long range:
Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.free_atoms import FREE_ATOMS
from explorer.potential.hyperparameters import ACTIVATIONS, Hyperparameters
from explorer.potential.layers import MLP_NAMES

# values that are implemented, with our names of them
_CHOICES: dict[str, dict[Any, str]] = {
    "input_convention": {"positions": ""},
    "radial_basis_fn": {"bernstein": "bernstein", "physnet": "physnet", "fourier": "bessel", "bessel": "bessel"},
    "cutoff_fn": {name: name for name in ("phys", "cosine", "exponential")},
    "message_normalization": {
        "avg_num_neighbors": "neighbors",
        "sqrt_num_features": "sqrt_features",
        "identity": "one",
    },
    **{name: {n: n for n in ACTIVATIONS} for name in ("activation_fn", "qk_non_linearity", "energy_activation_fn")},
}
# the fork makes both heads even where their energies are off
_HEAD, _CHARGES, _DIPOLE, _RATIOS = (
    "observables_0", "observables_0/electrostatic_energy/partial_charges", "observables_1", "observables_2",
)  # fmt: skip


def v1_hyperparameters(model: Mapping[str, Any], data: Mapping[str, Any], arrays: Mapping[str, Any]) -> Hyperparameters:
    """Translate hyperparameters of mlff 1.0.

    Args:
        model: Section `model` of its hyperparameters.
        data: Section `data`.
        arrays: Parameters by their path, such as `observables_0/atomic_scales`.

    Raises:
        CheckpointError: If a variant is not implemented; the message names its hyperparameter.
        KeyError: If a hyperparameter is missing.
    """
    ours = {name: _choice(model, name) for name in _CHOICES}
    by_neighbors = ours["message_normalization"] == "neighbors"
    if by_neighbors and not data.get("avg_num_neighbors"):
        raise CheckpointError("message_normalization is avg_num_neighbors, but data.avg_num_neighbors is missing.")
    norms, mlps = (
        tuple(k for k in (1, 2) if model.get(f"{name}_{k}")) for name in ("layer_normalization", "residual_mlp")
    )
    states = tuple(state for state in ("charge", "spin") if model[f"use_{state}_embed"])
    width, dispersion = model.get("energy_regression_dim", model["num_features"]), _flag(model, "dispersion_energy")
    return Hyperparameters(
        n_features=model["num_features"],
        n_heads=model["num_heads"],
        degrees=tuple(model["degrees"]),
        n_layers=model["num_layers"],
        n_radial=model["num_radial_basis_fn"],
        radial_basis=ours["radial_basis_fn"],
        activation=ours["activation_fn"],
        cutoff_function=ours["cutoff_fn"],
        cutoff=float(model["cutoff"]),
        attention_scale=ours["message_normalization"],
        attention_activation=ours["qk_non_linearity"],
        average_neighbors=data["avg_num_neighbors"] if by_neighbors else Hyperparameters.average_neighbors,
        layer_norm=bool(norms),
        norms=norms or Hyperparameters.norms,
        residual_mlp=bool(mlps),
        residual_mlps=mlps or Hyperparameters.residual_mlps,
        charge_spin_embedding=bool(states),
        embedded_states=states or Hyperparameters.embedded_states,
        # a head of a single linear map is one with an identity before it
        energy_activation="identity" if width is None else ours["energy_activation_fn"],
        head_width=0 if width in (None, model["num_features"]) else width,
        zbl=_flag(model, "zbl_repulsion"),
        electrostatics=_flag(model, "electrostatic_energy"),
        electrostatics_scale=model.get("electrostatic_energy_scale", Hyperparameters.electrostatics_scale),
        dispersion=dispersion,
        dispersion_scale=model.get("dispersion_energy_scale", Hyperparameters.dispersion_scale),
        trained_elements=_trained_elements(data, arrays) or (tuple(FREE_ATOMS) if dispersion else ()),
    )


def _choice(model: Mapping[str, Any], name: str) -> str:
    if model[name] not in _CHOICES[name]:
        known = " or ".join(dict.fromkeys(str(choice) for choice in _CHOICES[name]))
        raise CheckpointError(f"{name} must be {known}, received {model[name]!r}: that variant is not implemented.")
    return _CHOICES[name][model[name]]


def _flag(model: Mapping[str, Any], name: str) -> bool:
    """Whether an energy is on; the original mlff 1.0 has none of them."""
    return bool(model.get(f"{name}_bool", False))


def _trained_elements(data: Mapping[str, Any], arrays: Mapping[str, Any]) -> tuple[int, ...]:
    """Elements in the training data, as far as the files tell; empty if they do not."""
    scales = arrays.get(f"{_HEAD}/atomic_scales")
    if scales is not None:  # they start as 1 and change only for elements in the training data
        changed = np.flatnonzero((np.asarray(scales).reshape(len(scales), -1) != 1).any(axis=1))
        return tuple(int(number) for number in changed if number)
    if data.get("shift_mode") == "custom" and data.get("energy_shifts"):
        return tuple(sorted(int(number) for number in data["energy_shifts"]))
    return ()


def v1_parameters(theirs: dict[str, np.ndarray], hp: Hyperparameters, level: int = 0) -> dict[str, np.ndarray]:
    """Return parameters in the names and shapes of this project.

    Args:
        theirs: Parameters by their path; those that are used or not needed are removed.
        hp: Translated hyperparameters.
        level: Level of theory, where a network has several energy heads.

    Raises:
        KeyError: If an array is missing.
    """
    _complete(theirs, hp, level)
    ours = {name: theirs.pop(path) for name, path in array_places(hp).items()}
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
            ours[name] = all_elements(value[:, 0])
        elif name == "hirshfeld/element/embedding":
            ours[name] = all_elements(value)
    for path in [path for path in theirs if path.startswith((f"{_CHARGES}/", f"{_DIPOLE}/", f"{_RATIOS}/"))]:
        if not hp.electrostatics or not path.startswith(_CHARGES):
            theirs.pop(path)
    return ours


def _complete(theirs: dict[str, np.ndarray], hp: Hyperparameters, level: int) -> None:
    """Add what a variant leaves out: scales of 1, offsets of 0, the first layer of a head with a single layer."""
    final = f"{_HEAD}/energy_dense_final"
    n_levels = theirs[f"{final}/kernel"].shape[-1]
    if not 0 <= level < n_levels:
        raise CheckpointError(f"level must be between 0 and {n_levels - 1}, received {level}.")
    theirs.setdefault(f"{final}/bias", np.zeros(n_levels, np.float32))
    theirs.setdefault(f"{_HEAD}/atomic_scales", np.ones(N_ELEMENTS, np.float32))
    theirs.setdefault(f"{_HEAD}/energy_offset", np.zeros(N_ELEMENTS, np.float32))
    for name in (f"{final}/kernel", f"{final}/bias", f"{_HEAD}/atomic_scales", f"{_HEAD}/energy_offset"):
        if n_levels > 1 and theirs[name].shape[-1] == n_levels:
            theirs[name] = theirs[name][..., level : level + 1] if name.startswith(final) else theirs[name][..., level]
    unit = np.eye(hp.n_features, dtype=np.float32)
    if f"{_HEAD}/energy_dense_regression/kernel" not in theirs:
        _insert(theirs, f"{_HEAD}/energy_dense_regression", unit)
    charges = f"{_CHARGES}/charge_dense_regression_vec"
    if hp.electrostatics and f"{charges}/kernel" not in theirs:
        _insert(theirs, charges, unit)
    first, last = f"{_RATIOS}/hirshfeld_ratios_dense_regression", f"{_RATIOS}/hirshfeld_ratios_dense_final"
    if hp.dispersion and f"{first}/kernel" not in theirs:
        _insert(theirs, first, theirs[f"{last}/kernel"], theirs[f"{last}/bias"])
        _insert(theirs, last, np.eye(hp.n_features // 2, dtype=np.float32))


def _insert(theirs: dict[str, np.ndarray], at: str, kernel: np.ndarray, bias: np.ndarray | None = None) -> None:
    zeros = np.zeros(kernel.shape[-1], np.float32)
    theirs |= {f"{at}/kernel": kernel, f"{at}/bias": zeros if bias is None else bias}


def all_elements(table: np.ndarray) -> np.ndarray:
    """Return a table of the first elements, padded with zeros for the others."""
    missing = np.zeros((max(0, N_ELEMENTS - len(table)), *table.shape[1:]), table.dtype)
    return np.concatenate([table, missing])


def array_places(hp: Hyperparameters) -> dict[str, str]:
    """Map the names of the parameters of this project to the paths of published arrays."""
    places = {"embedding/element/embedding": "feature_embeddings_0/Embed_0/embedding"}
    for k, state in enumerate(hp.embedded_states if hp.charge_spin_embedding else (), start=1):
        places |= _share(state, f"feature_embeddings_{k}")
    for layer in range(hp.n_layers):
        places |= _layer(hp, layer)
    places |= _dense("energy/dense_1", f"{_HEAD}/energy_dense_regression")
    places |= _dense("energy/dense_2", f"{_HEAD}/energy_dense_final")
    places |= {"energy/scale": f"{_HEAD}/atomic_scales", "energy/offset": f"{_HEAD}/energy_offset"}
    if hp.zbl:
        scalars = [f"{letter}{k}" for letter in "ac" for k in (1, 2, 3, 4)] + ["p", "d"]
        places |= {f"zbl/{name}": f"{_HEAD}/zbl_repulsion/{name}" for name in scalars}
    if hp.electrostatics:
        places |= {"charges/offset": f"{_CHARGES}/Embed_0/embedding"}
        places |= _dense("charges/dense_1", f"{_CHARGES}/charge_dense_regression_vec")
        places |= _dense("charges/dense_2", f"{_CHARGES}/charge_dense_final_vec")
    if hp.dispersion:
        places |= {"hirshfeld/offset": f"{_RATIOS}/Embed_0/embedding"}
        places |= {"hirshfeld/element/embedding": f"{_RATIOS}/Embed_1/embedding"}
        places |= _dense("hirshfeld/dense_1", f"{_RATIOS}/hirshfeld_ratios_dense_regression")
        places |= _dense("hirshfeld/dense_2", f"{_RATIOS}/hirshfeld_ratios_dense_final")
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
    for n in hp.norms if hp.layer_norm else ():
        norm = f"{theirs}/layer_normalization_{n}"
        places |= {f"{ours}/norm_{n}/{part}": f"{norm}/{part}" for part in ("scale", "bias")}
    for n in hp.residual_mlps if hp.residual_mlp else ():
        for k in (1, 2):
            places |= _dense(f"{ours}/{MLP_NAMES[n]}/dense_{k}", f"{theirs}/res_mlp_{n}_layer_{k}")
    return places | _dense(f"{ours}/exchange", f"{theirs}/exchange_block/mlp_layer_2")


def _dense(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}/{part}": f"{theirs}/{part}" for part in ("kernel", "bias")}
