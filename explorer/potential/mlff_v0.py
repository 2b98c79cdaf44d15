"""Networks of mlff 0.2 and 0.3 (`train_so3krates`), the original SO3krates code, and their parameters in our names.

Source: Frank et al., Nat. Commun. 15, 6539 (2024), doi:10.1038/s41467-024-50620-6.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.layers import MLP_NAMES
from explorer.potential.mlff_v1 import all_elements

# values that are implemented, with our names of them
_BASES = {"phys": "physnet", "bernstein": "bernstein", "bessel": "bessel", "rbf": "gaussian"}
_CUTOFFS = {f"{name}_cutoff_fn": name for name in ("cosine", "phys", "dimenet", "exponential")}
_FILTERS = ("radial_spherical", "radial")
# switches of a layer that are implemented in one position only
_FIXED = {
    "fb_attention": ("conv_att",),
    "gb_attention": ("conv_att",),
    "non_local_sphc": (False,),
    "non_local_feature": (False,),
    "chi_cut": (None,),
    "chi_cut_dynamic": (False,),
    "fast_attention_kwargs": (None,),
    "neighborhood_normalization": (False,),
}
_BLOCKS = {"feature": "FeatureBlock_0", "euclidean": "GeometricBlock_0"}
# elements that were trained have a second moment in the state of Adam
_SECOND_MOMENT = "nu/params/feature_embeddings_0/Embed_0/embedding"


def v0_hyperparameters(net: Mapping[str, Any], unit: float) -> Hyperparameters:
    """Translate hyperparameters of mlff 0.x.

    Args:
        net: Section `stack_net` of its hyperparameters.
        unit: Unit of energy of the network, eV, times the scale of its energies.

    Raises:
        CheckpointError: If a variant is not implemented; the message names its hyperparameter.
        KeyError: If a hyperparameter is missing.
    """
    geometry, element = _only(net, "geometry_embeddings", "geometry_embed"), _element_embedding(net)
    energy, layers = _only(net, "observables", "energy"), [_layer_of(entry) for entry in net["layers"]]
    layer = layers[0]
    for other in layers[1:]:
        if different := [name for name in layer if other.get(name) != layer[name]]:
            raise CheckpointError(
                f"{different[0]} must be the same in all layers; layers that differ are not implemented."
            )
    _require(geometry, "input_convention", ("positions",))
    _require(geometry, "solid_harmonic", (False,))
    _require(layer, "degrees", (geometry["degrees"],))
    for name, values in _FIXED.items():
        _require(layer, name, values)
    norms = (1, 2, 3) if layer.get("final_layer") else (1, 2)
    mlps = tuple(k for k in (1, 2) if layer.get(f"residual_mlp_{k}"))
    zbl, n_features = bool(energy.get("zbl_repulsion")), element["features"]
    return Hyperparameters(
        n_features=n_features,
        n_heads=layer["n_heads"],
        degrees=tuple(geometry["degrees"]),
        n_layers=len(layers),
        n_radial=geometry["n_rbf"],
        radial_basis=_require(geometry, "radial_basis_function", _BASES),
        filter_widths=_filter_widths(layer, n_features),
        initial_euclidean=float(geometry.get("sphc_normalization") or 0),
        cutoff_function=_require(geometry, "radial_cutoff_fn", _CUTOFFS),
        cutoff=float(geometry["r_cut"]),
        attention_scale="sqrt_features",
        layer_norm=bool(layer.get("layer_normalization")),
        norms=norms,
        residual_mlp=bool(mlps),
        residual_mlps=mlps or Hyperparameters.residual_mlps,
        pre_norm=True,
        charge_spin_embedding=False,
        zbl=zbl,
        zbl_scale=unit if zbl else 1.0,
        zbl_shift=unit * energy.get("zbl_repulsion_shift", 0.0) if zbl else 0.0,
        trained_elements=(),
    )


def _only(net: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
    """The single module of a group."""
    if len(net[group]) != 1 or name not in net[group][0]:
        found = " and ".join(key for entry in net[group] for key in entry)
        raise CheckpointError(f"{group} must be one {name}, received {found}: that variant is not implemented.")
    return net[group][0][name]


def _element_embedding(net: Mapping[str, Any]) -> Mapping[str, Any]:
    return _only(net, "feature_embeddings", "atom_type_embed")


def _layer_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if list(entry) != ["so3krates_layer"]:
        raise CheckpointError(f"layers must be so3krates_layer, received {' '.join(entry)}: it is not implemented.")
    return entry["so3krates_layer"]


def _require(section: Mapping[str, Any], name: str, choices: Any) -> Any:
    """The value of a hyperparameter, translated where the choices are a dictionary; absent ones have their default."""
    translate = choices if isinstance(choices, dict) else {}
    value = section.get(name, next(iter(choices)))
    if value not in choices:
        known = " or ".join(str(choice) for choice in choices)
        raise CheckpointError(f"{name} must be {known}, received {value!r}: that variant is not implemented.")
    return translate.get(value, value) if translate else value


def _filter_widths(layer: Mapping[str, Any], n_features: int) -> tuple:
    """Hidden widths of the filters; empty for the default."""
    widths = []
    for block in ("fb", "gb"):
        kind = _require(layer, f"{block}_filter", _FILTERS)
        radial, spherical = (layer[f"{block}_{part}_filter_features"] for part in ("rad", "sph"))
        wanted = {"rad": radial} if kind == "radial" else {"rad": radial, "sph": spherical}
        for part, sizes in wanted.items():
            if not sizes or sizes[-1] != n_features:
                raise CheckpointError(
                    f"{block}_{part}_filter_features must end with the number of features, {n_features}; received "
                    f"{sizes}."
                )
        widths.append((tuple(radial[:-1]), None if kind == "radial" else tuple(spherical[:-1])))
    return () if widths == [((n_features,), (n_features // 4,))] * 2 else tuple(widths)


def v0_trained_elements(stored: Mapping[str, np.ndarray]) -> tuple[int, ...]:
    """Return the elements in the training data by the state of the optimizer; empty if it is not stored.

    Args:
        stored: All arrays of a checkpoint by their path.
    """
    moments = [value for name, value in stored.items() if is_second_moment(name)]
    return tuple(int(z) for z in np.flatnonzero((moments[0] != 0).any(axis=1)) if z) if moments else ()


def is_second_moment(name: str) -> bool:
    """Return whether an array with this path tells which elements were trained."""
    return name.startswith("opt_state/") and name.endswith(_SECOND_MOMENT)


def v0_parameters(
    theirs: dict[str, np.ndarray], hp: Hyperparameters, energy: Mapping[str, Any], unit: float
) -> dict[str, np.ndarray]:
    """Return parameters in the names and shapes of this project.

    Args:
        theirs: Parameters by their path, such as `layers_0/...`; those that are used are removed.
        hp: Translated hyperparameters.
        energy: Hyperparameters of the observable `energy`.
        unit: Unit of energy of the network, eV, times the scale of its energies.

    Raises:
        KeyError: If an array is missing.
    """
    scale = np.full(N_ELEMENTS, unit)
    if energy.get("per_atom_scale") is not None:
        scale[: len(energy["per_atom_scale"])] *= energy["per_atom_scale"]
    ours = {
        "embedding/element/embedding": all_elements(theirs.pop("feature_embeddings_0/Embed_0/embedding")),
        "energy/scale": scale,
        "energy/offset": np.zeros(N_ELEMENTS),
    }
    for k in (1, 2):
        ours |= _dense(theirs, f"energy/dense_{k}", f"observables_0/MLP_0/layers_{k - 1}")
    if hp.zbl:
        for name in [f"{letter}{k}" for letter in "ac" for k in (1, 2, 3, 4)] + ["p", "d"]:
            ours[f"zbl/{name}"] = theirs.pop(f"observables_0/ZBLRepulsion_0/{name}").reshape(())
    if hp.radial_basis == "gaussian":
        for name, there in (("centres", "centers"), ("widths", "widths")):
            ours[f"radial/{name}"] = theirs.pop(f"geometry_embeddings_0/rbf_fn/{there}").reshape(-1)
    for layer in range(hp.n_layers):
        ours |= _layer(theirs, hp, f"layer_{layer}", f"layers_{layer}")
    return ours


def _layer(theirs: dict[str, np.ndarray], hp: Hyperparameters, here: str, there: str) -> dict[str, np.ndarray]:
    ours = _dense(theirs, f"{here}/exchange", f"{there}/InteractionBlock_0/MLP_0/layers_0")
    for kind, block in _BLOCKS.items():
        attention = f"{there}/{block}/attention_fn"
        for k, role in enumerate(("query", "key")):
            at = f"{attention}/VmapConvAttentionCoefficients_0/Dense_{k}/kernel"
            ours[f"{here}/attention/{role}_{kind}/kernel"] = _transposed(theirs.pop(at))
        if kind == "feature":
            at = f"{attention}/VmapAttentionAggregation_0/Dense_0/kernel"
            ours[f"{here}/attention/value/kernel"] = _transposed(theirs.pop(at))
        ours |= _filter(theirs, hp, kind, f"{here}/attention/filter_{kind}", f"{there}/{block}/filter_fn")
    for k in hp.norms if hp.layer_norm else ():
        for part in ("scale", "bias"):
            ours[f"{here}/norm_{k}/{part}"] = theirs.pop(f"{there}/LayerNorm_{k - 1}/{part}")
    for number, k in enumerate(hp.residual_mlps if hp.residual_mlp else ()):
        block = f"{there}/ResidualMLP_{number}"
        for n, part in enumerate(("Residual_0/layers_0", "Residual_0/layers_1", "Dense_0"), start=1):
            ours[f"{here}/{MLP_NAMES[k]}/dense_{n}/kernel"] = theirs.pop(f"{block}/{part}/kernel")
    return ours


def _filter(
    theirs: dict[str, np.ndarray], hp: Hyperparameters, kind: str, here: str, there: str
) -> dict[str, np.ndarray]:
    radial, spherical = hp.filter_layers(kind)
    ours: dict[str, np.ndarray] = {}
    biases = []
    for number, (part, widths) in enumerate((("radial", radial), ("spherical", spherical))):
        if widths is None:
            continue
        for k in range(len(widths) + 1):
            name = f"{part}_{k + 1}" if widths else f"{part}_2"
            layer = _dense(theirs, f"{here}/{name}", f"{there}/VmapMLP_{number}/layers_{k}")
            ours |= {path: value[0] for path, value in layer.items()}
        biases.append(f"{here}/{name}/bias")
    if len(biases) == 2:  # only their sum enters the filter
        ours[biases[1]] = ours.pop(biases[0]).astype(np.float64) + ours[biases[1]]
    return ours


def _dense(theirs: dict[str, np.ndarray], here: str, there: str) -> dict[str, np.ndarray]:
    return {f"{here}/{part}": theirs.pop(f"{there}/{part}") for part in ("kernel", "bias")}


def _transposed(kernel: np.ndarray) -> np.ndarray:
    """Weights of heads; ours have shape (heads, out, in)."""
    return np.swapaxes(kernel, -1, -2)
