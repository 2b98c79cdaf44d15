"""Tiny checkpoints of mlff with random parameters, in the layouts in which the reference code leaves them."""

import json
from pathlib import Path

import msgpack
import numpy as np
import tensorstore

V0_LAYER = {
    "fb_filter": "radial_spherical", "fb_rad_filter_features": [8, 8], "fb_sph_filter_features": [2, 8],
    "gb_filter": "radial_spherical", "gb_rad_filter_features": [8, 8], "gb_sph_filter_features": [2, 8],
    "fb_attention": "conv_att", "gb_attention": "conv_att", "n_heads": 2, "degrees": [1, 2],
    "residual_mlp_1": False, "residual_mlp_2": False, "layer_normalization": False, "final_layer": False,
}  # fmt: skip
V0_GEOMETRY = {
    "degrees": [1, 2], "radial_basis_function": "phys", "n_rbf": 6, "radial_cutoff_fn": "cosine_cutoff_fn",
    "r_cut": 4.0, "sphc_normalization": None, "mic": False, "input_convention": "positions", "solid_harmonic": False,
}  # fmt: skip
V1_MODEL = {
    "activation_fn": "silu", "cutoff": 4.0, "cutoff_fn": "cosine", "degrees": [1, 2],
    "energy_activation_fn": "identity", "energy_learn_atomic_type_scales": False,
    "energy_learn_atomic_type_shifts": False, "energy_regression_dim": 8,
    "input_convention": "positions", "layer_normalization_1": False, "layer_normalization_2": False,
    "message_normalization": "sqrt_num_features", "num_features": 8, "num_heads": 2, "num_layers": 2,
    "num_radial_basis_fn": 6, "qk_non_linearity": "identity", "radial_basis_fn": "physnet", "residual_mlp_1": False,
    "residual_mlp_2": False, "use_charge_embed": False, "use_spin_embed": False,
}  # fmt: skip
SHIFTS = {1: -13.6, 6: -1030.5, 8: -2043.25}


def v0_settings(geometry=None, layer=None, energy=None) -> dict:
    return {
        "stack_net": {
            "geometry_embeddings": [{"geometry_embed": V0_GEOMETRY | (geometry or {})}],
            "feature_embeddings": [{"atom_type_embed": {"num_embeddings": 100, "features": 8}}],
            "layers": [{"so3krates_layer": V0_LAYER | (layer or {})} for _ in range(2)],
            "observables": [{"energy": {"zbl_repulsion": False, "zbl_repulsion_shift": 0.0} | (energy or {})}],
        },
        "coach": {"data_path": "/home/user/data.npz"},
    }


def random_arrays(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    scale = {name: 0.3 if len(shape) > 1 else 0.1 for name, shape in shapes.items()}
    return {name: (scale[name] * generator.normal(size=s)).astype(np.float32) for name, s in sorted(shapes.items())}


def v0_arrays(settings: dict, seed: int = 0) -> dict[str, np.ndarray]:
    net = settings["stack_net"]
    geometry, layer = net["geometry_embeddings"][0]["geometry_embed"], net["layers"][0]["so3krates_layer"]
    f, n_l, k = 8, len(geometry["degrees"]), geometry["n_rbf"]
    shapes = {"feature_embeddings_0/Embed_0/embedding": (100, f)}
    for t in range(2):
        for block, n_heads, letter in (("FeatureBlock_0", layer["n_heads"], "fb"), ("GeometricBlock_0", n_l, "gb")):
            at, w = f"layers_{t}/{block}", f // n_heads
            for m in (0, 1):
                shapes[f"{at}/attention_fn/VmapConvAttentionCoefficients_0/Dense_{m}/kernel"] = (n_heads, w, w)
            if letter == "fb":
                shapes[f"{at}/attention_fn/VmapAttentionAggregation_0/Dense_0/kernel"] = (n_heads, w, w)
            parts = [("rad", k), ("sph", n_l)] if layer[f"{letter}_filter"] == "radial_spherical" else [("rad", k)]
            for number, (part, width) in enumerate(parts):
                for step, size in enumerate(layer[f"{letter}_{part}_filter_features"]):
                    shapes |= dense(f"{at}/filter_fn/VmapMLP_{number}/layers_{step}", (1, width, size), (1, size))
                    width = size
        shapes |= dense(f"layers_{t}/InteractionBlock_0/MLP_0/layers_0", (f + n_l, f + n_l), (f + n_l,))
        for number in range(3 if layer["final_layer"] else 2) if layer["layer_normalization"] else ():
            shapes |= {f"layers_{t}/LayerNorm_{number}/{part}": (f,) for part in ("scale", "bias")}
        for number in range(layer["residual_mlp_1"] + layer["residual_mlp_2"]):
            for part in ("Residual_0/layers_0", "Residual_0/layers_1", "Dense_0"):
                shapes[f"layers_{t}/ResidualMLP_{number}/{part}/kernel"] = (f, f)
    shapes |= dense("observables_0/MLP_0/layers_0", (f, f), (f,)) | dense("observables_0/MLP_0/layers_1", (f, 1), (1,))
    if geometry["radial_basis_function"] == "rbf":
        shapes |= {f"geometry_embeddings_0/rbf_fn/{name}": (k,) for name in ("centers", "widths")}
    if net["observables"][0]["energy"]["zbl_repulsion"]:
        names = [f"{letter}{n}" for letter in "ac" for n in (1, 2, 3, 4)] + ["p", "d"]
        shapes |= {f"observables_0/ZBLRepulsion_0/{name}": (1,) for name in names}
    arrays = random_arrays(shapes, seed)
    if geometry["radial_basis_function"] == "rbf":
        arrays["geometry_embeddings_0/rbf_fn/centers"] = np.linspace(0.5, 4, k).astype(np.float32)
        arrays["geometry_embeddings_0/rbf_fn/widths"] = np.full(k, 0.7, np.float32)
    return arrays


def v1_arrays(model: dict, seed: int = 0) -> dict[str, np.ndarray]:
    f, n_l, k, w = (
        model["num_features"],
        len(model["degrees"]),
        model["num_radial_basis_fn"],
        model["energy_regression_dim"],
    )
    shapes = {"feature_embeddings_0/Embed_0/embedding": (119, f)}
    states = [state for state in ("charge", "spin") if model[f"use_{state}_embed"]]
    for number in range(1, len(states) + 1):
        at = f"feature_embeddings_{number}/ChargeSpinEmbedSparse_0"
        shapes |= {f"{at}/Embed_{n}/embedding": (119 if n == 0 else 2, f) for n in range(3)}
        shapes |= {f"{at}/Residual_0/layers_{n}/kernel": (f, f) for n in (0, 1)}
    for t in range(model["num_layers"]):
        at = f"layers_{t}/attention_block"
        for m, n_heads in ((1, model["num_heads"]), (2, n_l)):
            shapes |= {f"{at}/W{role}{m}": (n_heads, f // n_heads, f // n_heads) for role in "qk"}
            for part, first, hidden in (("radial", k, f), ("spherical", n_l, f // 4)):
                shapes |= dense(f"{at}/{part}_filter{m}_layer_1", (first, hidden), (hidden,))
                shapes |= dense(f"{at}/{part}_filter{m}_layer_2", (hidden, f), (f,))
        shapes[f"{at}/Wv1"] = (model["num_heads"], f // model["num_heads"], f // model["num_heads"])
        for n in (1, 2):
            if model[f"layer_normalization_{n}"]:
                shapes |= {f"layers_{t}/layer_normalization_{n}/{part}": (f,) for part in ("scale", "bias")}
            if model[f"residual_mlp_{n}"]:
                for m in (1, 2):
                    shapes |= dense(f"layers_{t}/res_mlp_{n}_layer_{m}", (f, f), (f,))
        shapes |= dense(f"layers_{t}/exchange_block/mlp_layer_2", (f + n_l, f + n_l), (f + n_l,))
    heads = [("observables_0", "energy_dense_regression", "energy_dense_final", w, 1)]
    if "electrostatic_energy_bool" in model:  # the fork makes both further heads always
        charges, ratios = "observables_0/electrostatic_energy/partial_charges", "observables_2"
        shapes |= {f"{charges}/Embed_0/embedding": (100, 1), f"{ratios}/Embed_0/embedding": (100, 1)}
        shapes[f"{ratios}/Embed_1/embedding"] = (100, f // 2)
        heads.append((charges, "charge_dense_regression_vec", "charge_dense_final_vec", w, 1))
        names = ("hirshfeld_ratios_dense_regression", "hirshfeld_ratios_dense_final")
        heads.append((ratios, *names, w and w // 2, f // 2))
    for at, first, last, hidden, out in heads:
        if hidden:
            shapes |= dense(f"{at}/{first}", (f, hidden), (hidden,))
        shapes |= dense(f"{at}/{last}", (hidden or f, out), (out,))
    if model["energy_learn_atomic_type_scales"]:
        shapes |= {f"observables_0/{name}": (119,) for name in ("atomic_scales", "energy_offset")}
    if model.get("zbl_repulsion_bool"):
        names = [f"{letter}{n}" for letter in "ac" for n in (1, 2, 3, 4)] + ["p", "d"]
        shapes |= {f"observables_0/zbl_repulsion/{name}": (1,) for name in names}
    return random_arrays(shapes, seed)


def dense(at: str, kernel: tuple[int, ...], bias: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{at}/kernel": kernel, f"{at}/bias": bias}


def write_msgpack(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """One file of nested dicts, as Flax writes without orbax."""
    tree: dict = {"step": 3}
    for name, value in arrays.items():
        *parents, last = name.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        data = msgpack.packb((value.shape, value.dtype.name, value.tobytes()))
        node[last] = msgpack.ExtType(1, data)
    path.write_bytes(msgpack.packb(tree))


def write_orbax(folder: Path, arrays: dict[str, np.ndarray], ocdbt: bool = True) -> None:
    """Key-value store of zarr arrays, or one zarr folder per array, as orbax writes."""
    folder.mkdir(parents=True, exist_ok=True)
    store = {"driver": "ocdbt", "base": f"file://{folder}/"} if ocdbt else {"driver": "file", "path": f"{folder}/"}
    for name, value in arrays.items():
        path = f"{store.get('path', '')}{name.replace('/', '.')}/"
        spec = {"driver": "zarr", "kvstore": {**store, "path": path}}
        spec["metadata"] = {"shape": value.shape, "chunks": value.shape, "dtype": value.dtype.str}
        tensorstore.open(spec, create=True, delete_existing=True).result().write(value).result()


def write_v0(
    folder: Path, settings: dict | None = None, layout: str = "ckpt", shifts: dict | None = None, seed: int = 0
) -> dict:
    """Write a checkpoint of mlff 0.x; returns its parameters."""
    settings = settings or v0_settings()
    arrays = v0_arrays(settings, seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparameters.json").write_text(json.dumps(settings))
    table = [(SHIFTS if shifts is None else shifts).get(z, 0.0) for z in range(9)]
    (folder / "scales.json").write_text(json.dumps({"energy": {"per_atom_shift": table, "scale": 1.0}}))
    moment = np.zeros((100, 8), np.float32)
    moment[[1, 6, 8]] = 1e-8
    part = "valid_params" if layout != "msgpack" else "params"
    stored = {f"{part}/params/{name}": value for name, value in arrays.items()}
    stored |= {f"{part}/record/layers_0/chi_in/0": np.zeros(3, np.float32)}
    stored["opt_state/1/nu/params/feature_embeddings_0/Embed_0/embedding"] = moment
    if layout == "msgpack":
        write_msgpack(folder / "checkpoint_loss_12", stored)
        (folder / "checkpoint_F_99").write_bytes(b"another metric")
    else:
        write_orbax(folder / "ckpt_3" / "state", {"step": np.array(3, np.int32)})
        write_orbax(folder / "ckpt_12" / "state", stored, ocdbt=layout == "ckpt")
    return arrays


def write_v1(folder: Path, model: dict | None = None, data: dict | None = None) -> tuple[dict, dict]:
    """Write a checkpoint of mlff 1.0; returns its settings and parameters."""
    model = V1_MODEL | (model or {})
    shifts = {str(z): value for z, value in SHIFTS.items()}
    settings = {"model": model, "data": {"energy_shifts": shifts, "shift_mode": "custom", "energy_unit": "kcal/mol"}}
    settings["data"] |= data or {}
    arrays = v1_arrays(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparameters.json").write_text(json.dumps(settings))
    write_orbax(folder / "checkpoints" / "ckpt_30" / "params", {f"params/{n}": v for n, v in arrays.items()})
    return settings, arrays
