"""With the published SO3LR parameters the network computes what the published code computes, long range aside."""

import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from explorer.potential.heads import ZieglerBiersackLittmark
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import find_pairs, n_all_pairs
from explorer.potential.so3krates import So3krates, initialize, pair_geometry
from explorer.system import from_arrays

ALLOWED = {
    (module, name)
    for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
    for name in ("_reconstruct", "ndarray", "dtype")
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads nested dicts of numpy arrays and refuses everything else."""

    def find_class(self, module: str, name: str):
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return super().find_class(module, name)


def published_parameters(folder: Path) -> dict[str, np.ndarray]:
    with open(folder / "so3lr" / "params.pkl", "rb") as file:
        return flatten_dict(ArrayUnpickler(file).load()["params"], sep="/")


def translate(published: dict[str, np.ndarray]) -> dict:
    """The published names and shapes in ours; the two second biases of a filter become one."""
    ours = {"embedding/element/embedding": published["feature_embeddings_0/Embed_0/embedding"]}
    for k, name in enumerate(("charge", "spin"), start=1):
        block = f"feature_embeddings_{k}/ChargeSpinEmbedSparse_0"
        for m, table in enumerate(("query", "key", "value")):
            ours[f"embedding/{name}/{table}/embedding"] = published[f"{block}/Embed_{m}/embedding"]
        for m in (1, 2):
            ours[f"embedding/{name}/dense_{m}/kernel"] = published[f"{block}/Residual_0/layers_{m - 1}/kernel"]
    for t in range(3):
        ours |= translate_layer(
            {k.split("/", 1)[1]: v for k, v in published.items() if k.startswith(f"layers_{t}/")}, t
        )
    for name, theirs in (("dense_1", "energy_dense_regression"), ("dense_2", "energy_dense_final")):
        for part in ("kernel", "bias"):
            ours[f"energy/{name}/{part}"] = published[f"observables_0/{theirs}/{part}"]
    ours["energy/scale"] = published["observables_0/atomic_scales"]
    ours["energy/offset"] = published["observables_0/energy_offset"]
    for name in ("a1", "a2", "a3", "a4", "c1", "c2", "c3", "c4", "p", "d"):
        ours[f"zbl/{name}"] = published[f"observables_0/zbl_repulsion/{name}"].reshape(())
    return unflatten_dict({k: np.asarray(v, np.float64) for k, v in ours.items()}, sep="/")


def translate_layer(published: dict[str, np.ndarray], t: int) -> dict[str, np.ndarray]:
    ours = {}
    for n, name in enumerate(("feature", "euclidean"), start=1):
        to = f"layer_{t}/attention/filter_{name}"
        for kind in ("radial", "spherical"):
            for m in (1, 2):
                for part in ("kernel", "bias"):
                    value = published[f"attention_block/{kind}_filter{n}_layer_{m}/{part}"]
                    ours[f"{to}/{kind}_{m}/{part}"] = value
        ours[f"{to}/spherical_2/bias"] = ours[f"{to}/spherical_2/bias"] + ours.pop(f"{to}/radial_2/bias")
        ours[f"layer_{t}/attention/query_{name}/kernel"] = published[f"attention_block/Wq{n}"]
        ours[f"layer_{t}/attention/key_{name}/kernel"] = published[f"attention_block/Wk{n}"]
    ours[f"layer_{t}/attention/value/kernel"] = published["attention_block/Wv1"]
    for n in (1, 2):
        for part in ("scale", "bias"):
            ours[f"layer_{t}/norm_{n}/{part}"] = published[f"layer_normalization_{n}/{part}"]
        for part in ("kernel", "bias"):
            ours[f"layer_{t}/residual_mlp/dense_{n}/{part}"] = published[f"res_mlp_1_layer_{n}/{part}"]
    for part in ("kernel", "bias"):
        ours[f"layer_{t}/exchange/{part}"] = published[f"exchange_block/mlp_layer_2/{part}"]
    return ours


@pytest.fixture(scope="module")
def parameters(reference_data):
    return translate(published_parameters(reference_data))


def test_every_published_parameter_has_its_place(parameters):
    ours = flatten_dict(jax.eval_shape(lambda: initialize(Hyperparameters(), 0)), sep="/")
    theirs = flatten_dict(parameters, sep="/")
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize("name", ["ethanol", "ala3", "glyH", "dha"])
def test_local_and_repulsive_energies_equal_the_published_code(parameters, reference_data, name):
    data = np.load(reference_data / "parity" / f"{name}.npz")
    system = from_arrays(
        data["atomic_numbers"],
        data["positions"],
        float(data["total_charge"]),
        float(data["num_unpaired_electrons"]),
        jnp.float64,
    )
    capacity = n_all_pairs(len(data["atomic_numbers"]))
    pairs, _ = find_pairs(system.positions, system.atom_mask, 4.5, capacity)
    energy = jax.jit(So3krates(Hyperparameters()).apply)({"params": parameters}, system, pairs)
    repulsion = jax.jit(repulsive_energy)(parameters["zbl"], system, pairs)
    assert float(repulsion) == pytest.approx(float(data["e_zbl_p64"]), abs=1e-6)
    assert float(energy - repulsion) == pytest.approx(float(data["e_local_p64"]), abs=1e-6)


def repulsive_energy(parameters, system, pairs):
    distance, geometry = pair_geometry(system.positions, pairs, Hyperparameters())
    numbers = system.atomic_numbers[pairs.first], system.atomic_numbers[pairs.second]
    return ZieglerBiersackLittmark().apply({"params": parameters}, distance, geometry.cutoff, *numbers)
