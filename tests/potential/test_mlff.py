"""Checkpoints of mlff give the energies of their equations in numpy; damaged and foreign ones get one clear line."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from mlff_numpy import energy_v0, energy_v1
from mlff_writer import SHIFTS, V1_MODEL, v0_settings, write_v0, write_v1

from explorer.errors import CheckpointError
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.catalog import import_model
from explorer.potential.load import read_model
from explorer.potential.long_range import LongRange
from explorer.potential.low_rank import low_rank
from explorer.potential.mlff import MlffName, read_mlff
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays

KCAL = 0.04336410390059322  # eV
NUMBERS = np.array([6, 8, 1, 1, 1, 1])
METHANOL = np.array(
    [
        [-0.05, 0.66, 0.0],
        [-0.05, -0.76, 0.02],
        [-1.09, 0.98, 0.1],
        [0.44, 1.07, 0.89],
        [0.5, 1.02, -0.9],
        [0.85, -1.05, 0],
    ]
)
UNUSUAL_V0 = v0_settings(
    {"degrees": [0, 2], "radial_basis_function": "rbf", "radial_cutoff_fn": "dimenet_cutoff_fn",
     "sphc_normalization": 3.0},
    {"degrees": [0, 2], "fb_filter": "radial", "fb_rad_filter_features": [5, 7, 8], "gb_rad_filter_features": [8],
     "layer_normalization": True, "final_layer": True, "residual_mlp_2": True},
    {"zbl_repulsion": True, "zbl_repulsion_shift": 0.3},
)  # fmt: skip
OTHER_V0 = v0_settings(
    {"radial_basis_function": "bessel", "radial_cutoff_fn": "exponential_cutoff_fn"},
    {"layer_normalization": True, "residual_mlp_1": True, "residual_mlp_2": True, "n_heads": 4},
)
UNUSUAL_V1 = {
    "activation_fn": "gelu", "cutoff_fn": "exponential", "degrees": [1, 3], "energy_regression_dim": None,
    "message_normalization": "identity", "qk_non_linearity": "silu", "radial_basis_fn": "fourier",
    "layer_normalization_1": True, "residual_mlp_2": True, "use_spin_embed": True,
    "energy_learn_atomic_type_scales": True,
}  # fmt: skip
LONG_RANGE_V1 = {
    "electrostatic_energy_bool": True, "electrostatic_energy_scale": 2.0, "zbl_repulsion_bool": True,
    "dispersion_energy_bool": False, "energy_regression_dim": 6, "energy_activation_fn": "tanh",
    "radial_basis_fn": "bernstein", "cutoff_fn": "phys", "use_charge_embed": True, "use_spin_embed": True,
    "layer_normalization_2": True, "residual_mlp_1": True,
}  # fmt: skip
_evaluate = jax.jit(evaluate)


def energy_of(network, charge=0, unpaired=0, fast=False) -> float:
    hp, params = network.hyperparameters, network.params
    hp, params = low_rank(hp, params) if fast else (hp, params)
    system = from_arrays(NUMBERS, METHANOL, charge, unpaired, jnp.float64)
    return float(_evaluate(so3krates(hp, params, long_range=LongRange(None)), system).energy)


@pytest.mark.parametrize("settings", [v0_settings(), UNUSUAL_V0, OTHER_V0], ids=["defaults", "unusual", "other"])
def test_networks_of_mlff_0_have_the_energies_of_their_equations(tmp_path, settings):
    arrays = write_v0(tmp_path, settings)
    network = read_mlff(tmp_path, "eV")
    wanted = energy_v0(settings["stack_net"], arrays, NUMBERS, METHANOL)
    assert energy_of(network) == pytest.approx(wanted, abs=1e-9)
    assert energy_of(network, fast=True) == pytest.approx(wanted, abs=1e-7)
    assert network.hyperparameters.trained_elements == (1, 6, 8)


@pytest.mark.parametrize("model", [{}, UNUSUAL_V1, LONG_RANGE_V1], ids=["defaults", "unusual", "long range"])
def test_networks_of_mlff_1_have_the_energies_of_their_equations(tmp_path, model):
    settings, arrays = write_v1(tmp_path, model)
    wanted = energy_v1(settings, arrays, NUMBERS, METHANOL, -1, 1)
    assert energy_of(read_mlff(tmp_path), -1, 1) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("layout", ["msgpack", "zarr"])
def test_all_layouts_of_a_checkpoint_are_the_same_network(tmp_path, layout):
    write_v0(tmp_path / "a")
    write_v0(tmp_path / "b", layout=layout)
    first, second = read_mlff(tmp_path / "a"), read_mlff(tmp_path / "b")
    assert first.digest == second.digest
    np.testing.assert_array_equal(*(n.params["layer_1"]["exchange"]["kernel"] for n in (first, second)))
    assert read_mlff(tmp_path / "a", "kcal/mol").digest != first.digest


def test_calculator_adds_shifts_and_converts_units(tmp_path):
    settings = v0_settings(energy={"zbl_repulsion": True})
    arrays = write_v0(tmp_path, settings)
    atoms = Atoms(NUMBERS, METHANOL)
    wanted = energy_v0(settings["stack_net"], arrays, NUMBERS, METHANOL) + sum(SHIFTS[z] for z in NUMBERS)
    found = {}
    for units in ("eV", "kcal/mol"):
        atoms.calc = ExplorerCalculator(f"mlff:{tmp_path}", precision="float64", units=units)
        found[units] = atoms.get_potential_energy(), atoms.get_forces()
    assert found["eV"][0] == pytest.approx(wanted, abs=1e-6)
    assert found["kcal/mol"][0] == pytest.approx(wanted * KCAL, abs=1e-6)
    np.testing.assert_allclose(found["kcal/mol"][1], found["eV"][1] * KCAL, atol=1e-9)


def test_unit_that_is_not_recorded_is_taken_by_the_shifts_and_said(tmp_path, caplog):
    write_v0(tmp_path / "ev")
    write_v0(tmp_path / "kcal", shifts={1: -313.5, 6: -23900.0, 8: -47300.0})
    write_v0(tmp_path / "degenerate", shifts={1: 2.3e12, 6: -5.5e12, 8: -2.7e12})  # fitted to a single composition
    assert "eV is taken" in read_mlff(tmp_path / "degenerate").notes[0]
    assert "eV is taken, as its manual advises. Say it: model import --units" in read_mlff(tmp_path / "ev").notes[0]
    network = read_mlff(tmp_path / "kcal")
    assert "kcal/mol is taken, because a shift of -313.5 for H is lower" in network.notes[0]
    assert network.hyperparameters.energy_shifts[1] == pytest.approx(-313.5 * KCAL)
    assert read_mlff(tmp_path / "kcal", "kcal/mol").notes == ()
    read_model(f"mlff:{tmp_path / 'ev'}")
    assert "does not record its unit" in caplog.text


def test_level_of_theory_is_a_column_of_the_head(tmp_path):
    settings, arrays = write_v1(tmp_path)
    generator = np.random.default_rng(5)
    kernel = generator.normal(size=(8, 16)).astype(np.float32)
    tables = {name: generator.normal(size=(119, 16)).astype(np.float32) for name in ("atomic_scales", "energy_offset")}
    del arrays["observables_0/energy_dense_final/bias"]
    stored = arrays | {f"observables_0/{name}": table for name, table in tables.items()}
    from mlff_writer import write_orbax

    place = tmp_path / "checkpoints" / "ckpt_40" / "params"
    write_orbax(
        place, {f"params/{n}": v for n, v in (stored | {"observables_0/energy_dense_final/kernel": kernel}).items()}
    )
    of_level = arrays | {f"observables_0/{name}": table[:, 3] for name, table in tables.items()}
    of_level["observables_0/energy_dense_final/kernel"] = kernel[:, 3:4]
    assert energy_of(read_mlff(tmp_path, level=3)) == pytest.approx(
        energy_v1(settings, of_level, NUMBERS, METHANOL), abs=1e-9
    )
    with pytest.raises(CheckpointError, match="level must be between 0 and 15, received 16"):
        read_mlff(tmp_path, level=16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (v0_settings({"radial_basis_function": "gaussians"}), "radial_basis_function must be phys or"),
        (v0_settings({"radial_cutoff_fn": "polynomial_cutoff_fn"}), "radial_cutoff_fn must be cosine_cutoff_fn or"),
        (v0_settings({"input_convention": "displacements"}), "input_convention must be positions"),
        (v0_settings({"degrees": [2, 1]}, {"degrees": [2, 1]}), "degrees must be ascending"),
        (v0_settings(layer={"non_local_feature": True}), "non_local_feature must be False, received True"),
        (v0_settings(layer={"fb_filter": "spherical"}), "fb_filter must be radial_spherical or radial"),
        (v0_settings(layer={"gb_rad_filter_features": [8, 4]}), "gb_rad_filter_features must end with"),
        ({"stack_net": {"geometry_embedding": {}}}, "mlff 0.1"),
        ({"stack_net": v0_settings()["stack_net"] | {"layers": [{"schnet_layer": {}}]}}, "must be so3krates_layer"),
        ({"fine_tuning": {}}, "neither stack_net .* nor model and data"),
        ({"stack_net": {}}, "is missing, so this is not a SO3krates network"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_refused_by_name(tmp_path, settings, message):
    write_v0(tmp_path)
    (tmp_path / "hyperparameters.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=message):
        read_mlff(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"activation_fn": "maxout"}, "activation_fn must be"),
        ({"radial_basis_fn": "gaussian"}, "radial_basis_fn must be bernstein or physnet or fourier or bessel"),
        ({"message_normalization": "avg_num_neighbors"}, r"data\.avg_num_neighbors is missing"),
        ({"layer_normalization_1": True}, "layer_normalization_1/scale is missing"),
        ({"num_features": 16}, "should have shape"),
        ({"num_layers": 1}, "arrays for which there is no place, such as layers_1/"),
    ],
)
def test_hyperparameters_of_mlff_1_that_do_not_fit_are_named(tmp_path, changed, message):
    settings, _ = write_v1(tmp_path)
    settings["model"] = V1_MODEL | changed
    (tmp_path / "hyperparameters.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=message):
        read_mlff(tmp_path)


def test_wrong_folders_and_units_are_one_clear_line(tmp_path):
    write_v1(tmp_path / "v1")
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((tmp_path / "nowhere",), "A folder with a checkpoint of mlff was wanted"),
        ((tmp_path / "empty",), r"has no hyperparameters\.json"),
        ((tmp_path / "v1", "kcal/mol"), "always in eV"),
        ((tmp_path / "v1", "hartree"), "units must be eV or kcal/mol"),
    ):
        with pytest.raises(CheckpointError, match=message) as caught:
            read_mlff(*arguments)
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="takes units, level and elements, received unit"):
        MlffName.parse("mlff:folder?unit=eV")
    with pytest.raises(CheckpointError, match=r"elements must be symbols .* received 'Xx'"):
        MlffName.parse("mlff:folder?elements=H,Xx")


def test_a_checkpoint_that_was_not_written_to_its_end_is_refused(tmp_path):
    write_v1(tmp_path)
    (tmp_path / "checkpoints" / "ckpt_30").rename(tmp_path / "checkpoints" / "ckpt_30.orbax-checkpoint-tmp-1")
    with pytest.raises(CheckpointError, match=r"ckpt_30\.orbax-checkpoint-tmp-1 was not written to its end"):
        read_mlff(tmp_path)
    write_v0(tmp_path / "v0", layout="msgpack")
    path = tmp_path / "v0" / "checkpoint_loss_12"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(CheckpointError, match="is no msgpack file of Flax"):
        read_mlff(tmp_path / "v0")


def test_imported_checkpoint_gives_the_energies_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path / "models"))
    write_v0(tmp_path / "ethanol")
    folder, notes = import_model(tmp_path / "ethanol", units="eV", reference="PBE")
    assert (folder.name, notes) == ("ethanol", ())
    atoms = Atoms(NUMBERS, METHANOL)
    energies = []
    for name, options in (("ethanol", {}), (f"mlff:{tmp_path / 'ethanol'}", {"units": "eV"})):
        atoms.calc = ExplorerCalculator(name, precision="float64", **options)
        energies.append(atoms.get_potential_energy())
    assert energies[0] == energies[1]
    assert "Reference method PBE" in (folder / "README.md").read_text()


def cases(reference_data: Path) -> list[Path]:
    return sorted((reference_data / "mlff" / "parity").glob("*/ethanol_0.npz"))


@pytest.mark.slow
def test_checkpoints_of_the_reference_code_have_its_energies_and_forces(reference_data):
    for path in cases(reference_data):
        data, folder = np.load(path), reference_data / "mlff" / path.parent.name
        network = read_mlff(folder)
        hp, params = low_rank(network.hyperparameters, network.params)
        state = float(data["total_charge"]), float(data["num_unpaired_electrons"])
        system = from_arrays(data["atomic_numbers"], data["positions"], *state, jnp.float64)
        evaluation = _evaluate(so3krates(hp, params), system)
        assert float(evaluation.energy) == pytest.approx(float(np.squeeze(data["energy_p64"])), abs=1e-6), folder
        np.testing.assert_allclose(evaluation.forces, data["forces_p64"], atol=1e-6, err_msg=str(folder))
