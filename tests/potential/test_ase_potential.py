"""Potentials of ASE calculators against the calculators called directly."""

import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from explorer.bench.mmff import MMFF
from explorer.errors import ConfigError
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.calculators import CalculatorName
from explorer.potential.load import in_precision, load_potential
from explorer.potential.potential import evaluate, evaluate_batch
from explorer.system import system_of

HERE = f"ase:{__name__}:"
MOLECULE = from_sequence("G")


class Recorder(Calculator):
    """Springs to the origin with a stiffness of 1 eV/Å² plus the charge; records its calls, fails beyond `reach` Å."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012, as in ASE
    default_parameters = {"charge": None}  # noqa: RUF012
    calls: list[Atoms] = []  # noqa: RUF012

    def __init__(self, reach: float = np.inf, charge: int | None = None):
        super().__init__(charge=charge)
        self.reach = reach

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        Recorder.calls.append(self.atoms)
        if np.abs(atoms.positions).max() > self.reach:
            raise RuntimeError("SCF not converged in 250 cycles")
        stiffness = 1 + self.parameters.charge
        energy = stiffness * np.sum(atoms.positions**2) / 2
        self.results = {"energy": energy, "forces": -stiffness * atoms.positions}


@pytest.fixture(autouse=True)
def _no_calls():
    Recorder.calls.clear()


def shaken(n: int, molecule=MOLECULE) -> np.ndarray:
    noise = np.random.default_rng(0).normal(scale=0.05, size=(n, molecule.n_atoms, 3))
    return molecule.positions - molecule.positions.mean(axis=0) + noise


def rows(system, positions):
    batch = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), system)
    return batch.replace(positions=jnp.asarray(positions, system.positions.dtype))


def test_energy_and_forces_are_those_of_the_calculator_and_a_batch_is_its_rows():
    potential, info = load_potential("ase:explorer.bench.mmff:MMFF", MOLECULE, "float64")
    system = system_of(MOLECULE, jnp.float64)
    positions = shaken(5)
    batch = jax.jit(evaluate_batch)(potential, rows(system, positions))
    for k, x in enumerate(positions):
        atoms = Atoms(MOLECULE.atomic_numbers, x, calculator=MMFF())  # bonds are perceived here
        assert float(batch.energy[k]) == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
        np.testing.assert_allclose(batch.forces[k], atoms.get_forces(), atol=1e-10)
        single = evaluate(potential, system.replace(positions=jnp.asarray(x)))
        assert float(single.energy) == float(batch.energy[k])
        np.testing.assert_array_equal(single.forces, batch.forces[k])
    assert info.digest == "explorer.bench.mmff.MMFF()"
    assert info.training_data is None


def test_float32_rounds_the_result_of_float64():
    potential, _ = load_potential("ase:explorer.bench.mmff:MMFF", MOLECULE, "float64")
    narrow, wide = (system_of(MOLECULE, dtype) for dtype in (jnp.float32, jnp.float64))
    ours = jax.jit(evaluate)(in_precision(potential, "float32"), narrow)
    theirs = jax.jit(evaluate)(potential, wide.replace(positions=narrow.positions.astype(jnp.float64)))
    assert ours.energy.dtype == ours.forces.dtype == jnp.float32
    assert float(ours.energy) == float(np.float32(theirs.energy))


def test_a_force_call_is_one_calculation_and_unwanted_rows_take_none():
    potential, _ = load_potential(HERE + "Recorder", MOLECULE, "float64")
    batch = rows(system_of(MOLECULE, jnp.float64), shaken(6))
    wanted = jnp.asarray([True, False, True, True, False, True])
    jax.block_until_ready(jax.jit(evaluate_batch)(potential, batch, wanted))
    assert len(Recorder.calls) == 4
    jax.block_until_ready(jax.jit(evaluate_batch)(potential, batch, wanted))
    assert len(Recorder.calls) == 4, "a structure that was just computed is not computed again"


@pytest.mark.parametrize(("smiles", "charge", "unpaired"), [("C", 0, 0), ("[NH3+]CC(=O)O", 1, 0), ("[CH3]", 0, 1)])
def test_charge_multiplicity_and_bonds_reach_the_calculator(smiles, charge, unpaired):
    molecule = from_smiles(smiles)
    potential, _ = load_potential(HERE + "Recorder", molecule, "float64")
    system = system_of(molecule, jnp.float64)
    energy = float(evaluate(potential, system).energy)
    assert energy == pytest.approx((1 + charge) * float(jnp.sum(system.positions**2)) / 2, rel=1e-12)
    (atoms,) = Recorder.calls
    assert (atoms.info["charge"], atoms.info["multiplicity"]) == (charge, unpaired + 1)
    assert atoms.get_initial_charges().sum() == charge
    assert atoms.get_initial_magnetic_moments().sum() == pytest.approx(unpaired)
    np.testing.assert_array_equal(atoms.info["bonds"], molecule.bonds)


def test_charge_reaches_tblite():
    tblite = pytest.importorskip("tblite.ase")
    molecule = from_smiles("[NH4+]")
    potential, _ = load_potential("ase:tblite.ase:TBLite?method=GFN2-xTB", molecule, "float64")
    atoms = Atoms(molecule.atomic_numbers, molecule.positions - molecule.positions.mean(axis=0))
    atoms.calc = tblite.TBLite(method="GFN2-xTB", charge=1, verbosity=0)
    energy = float(evaluate(potential, system_of(molecule, jnp.float64)).energy)
    assert energy == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    atoms.calc = tblite.TBLite(method="GFN2-xTB", charge=-1, verbosity=0)
    assert abs(energy - atoms.get_potential_energy()) > 1


def test_a_failed_calculation_is_nan_for_its_row_alone_and_logged_once(caplog):
    potential, _ = load_potential(HERE + "Recorder?reach=100.0", MOLECULE, "float64")
    positions = shaken(6)
    positions[[1, 4], 0, 0] = [1000, 2000]
    result = jax.jit(evaluate_batch)(potential, rows(system_of(MOLECULE, jnp.float64), positions))
    failed = np.isnan(np.asarray(result.energy))
    assert failed.tolist() == [False, True, False, False, True, False]
    np.testing.assert_array_equal(np.isnan(np.asarray(result.forces)).all(axis=(1, 2)), failed)
    assert [record.getMessage().partition("RuntimeError")[2] for record in caplog.records] == [
        ": SCF not converged in 250 cycles"
    ]


class Faulty(Recorder):
    """Calculator with one of several faults at every call."""

    def __init__(self, fault: str, charge: int | None = None):
        super().__init__(charge=charge)
        self.fault = fault

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.fault == "exit":
            sys.exit("the licence has expired")
        if self.fault == "sleep":
            time.sleep(5)
        faults = {
            "none": {"energy": None},
            "text": {"energy": "-1.0 eV"},
            "nothing": {"forces": None},
            "one-force": {"forces": np.zeros(3)},
            "flat": {"forces": np.zeros((MOLECULE.n_atoms, 2))},
            "infinite": {"forces": np.full((MOLECULE.n_atoms, 3), np.inf)},
        }
        self.results |= faults.get(self.fault, {})


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("exit", "SystemExit: the licence has expired"),
        ("sleep", "TimeoutError: no result within 0.2 s"),
        ("none", "the calculator returned no energy"),
        ("text", "energy that are no numbers: -1.0 eV"),
        ("nothing", "the calculator returned no forces"),
        ("one-force", "forces of shape (3,)"),
        ("flat", f"forces of shape ({MOLECULE.n_atoms}, 2)"),
        ("infinite", "forces that are not finite"),
    ],
)
def test_any_fault_of_a_calculator_is_a_failed_calculation_with_its_reason(fault, reason):
    timeout = 0.2 if fault == "sleep" else 0.0
    potential, _ = load_potential(HERE + f"Faulty?fault={fault}", MOLECULE, "float64", calculator_timeout=timeout)
    system = system_of(MOLECULE, jnp.float64)
    started = time.monotonic()
    result = evaluate(potential, system)
    assert np.isnan(float(result.energy))
    assert np.isnan(np.asarray(result.forces)).all()
    assert time.monotonic() - started < 4
    assert reason in potential.reason_of_failure(np.asarray(system.positions))
    elsewhere = potential.reason_of_failure(np.asarray(system.positions) + 1)
    assert elsewhere.startswith("the last failed calculation ended with")


def test_a_calculator_in_time_gives_the_same_with_and_without_a_limit():
    system = system_of(MOLECULE, jnp.float64)
    limited, free = (
        load_potential(HERE + "Recorder", MOLECULE, "float64", calculator_timeout=seconds)[0] for seconds in (60, 0)
    )
    assert float(evaluate(limited, system).energy) == float(evaluate(free, system).energy)
    assert limited.reason_of_failure(np.asarray(system.positions)) == ""


def test_a_calculator_that_exits_when_it_is_created_is_refused():
    with pytest.raises(ConfigError, match=r"cannot be created: SystemExit: no licence for this computer\."):
        load_potential(HERE + "Exits", MOLECULE)


class Exits(Recorder):
    """Calculator whose constructor ends the process."""

    def __init__(self, charge: int | None = None):
        sys.exit("no licence\nfor this computer")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ase:explorer.bench.mmff", "was wanted as ase:package.module:Class"),
        ("ase:explorer.bench.mmff:MMFF?variant", "was wanted as"),
        ("ase:no_such_package.ase:It", "needs the module no_such_package"),
        ("ase:explorer.bench.mmff:Nothing", "no class Nothing"),
        ("ase:fractions:Fraction", "not an ASE calculator"),
        (HERE + "Recorder?reach=1.0&reach_of=2", "cannot be created"),
    ],
)
def test_wrong_names_are_refused_before_anything_is_computed(name, wanted):
    with pytest.raises(ConfigError, match=wanted):
        load_potential(name, MOLECULE)


def test_arguments_are_literals_or_strings():
    name = CalculatorName.parse("ase:a.b:C?method=GFN2-xTB&accuracy=0.1&solvation=('alpb','water')&spin=None")
    assert name.arguments == {"method": "GFN2-xTB", "accuracy": 0.1, "solvation": ("alpb", "water"), "spin": None}
    assert str(name) == "a.b.C(accuracy=0.1, method='GFN2-xTB', solvation=('alpb', 'water'), spin=None)"


PROGRAM = """
from explorer.devices import configure_jax
configure_jax(2)
import jax, numpy as np
from explorer.bench.potential import evaluate_ticks
from explorer.io.build import from_sequence
from explorer.potential.load import load_potential
from explorer.system import system_of

molecule = from_sequence("AAA")
potential, _ = load_potential("ase:explorer.bench.mmff:MMFF", molecule, "float64")
system = system_of(molecule, jax.numpy.float64)
positions = np.stack([np.asarray(system.positions)] * 8) + 0.01 * np.arange(8)[:, None, None]
for k in range(20):
    jax.block_until_ready(evaluate_ticks(potential, system, positions + 0.001 * k, np.int32(16)))
print(len(jax.devices()), "devices")
"""


def test_calls_from_two_devices_at_once_do_not_hang():
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert finished.stdout.strip() == "2 devices", finished.stderr
