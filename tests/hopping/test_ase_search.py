"""A search on MMFF94s as an ASE calculator, and one on a calculator that fails."""

import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import all_changes

from explorer.bench.mmff import MMFF
from explorer.config_file import load_settings
from explorer.errors import InputError
from explorer.hopping.explore import explore
from explorer.io.build import from_smiles
from explorer.potential.load import load_potential
from explorer.records.hop import Outcome
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.system import system_of
from explorer.vibrations.hessian import hessians
from explorer.vibrations.modes import normal_modes

MOLECULE = from_smiles("CC(=O)NCC(=O)O")
WALKERS = {"hopping.n_walkers": 4}


class Fickle(MMFF):
    """MMFF94s that does not converge above some energy, eV."""

    def __init__(self, above: float, **options):
        super().__init__(**options)
        self.above = above

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.results["energy"] > self.above:
            raise RuntimeError("SCF not converged in 250 cycles")


def search(name: str, n_rounds: int):
    settings = load_settings(overrides={"potential": name, **WALKERS})
    potential, _ = load_potential(name, MOLECULE, settings.precision)
    history = History(symmetry_of(MOLECULE), settings.identity)
    hops = []
    for round in explore(potential, MOLECULE, settings, history):
        hops += round.hops
        if round.index >= n_rounds:
            return potential, history, hops


@pytest.fixture(scope="module")
def finished():
    return search("ase:explorer.bench.mmff:MMFF", 24)


def test_stored_energies_are_those_of_the_force_field_at_its_minima(finished):
    _, history, _ = finished
    assert len(history) >= 4
    for minimum in history.minima:
        atoms = Atoms(MOLECULE.atomic_numbers, minimum.positions, calculator=MMFF())
        assert minimum.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 1e-3
    energies = np.sort([minimum.energy for minimum in history.minima])
    assert energies[-1] - energies[0] > 0.1


def test_minima_have_no_imaginary_vibration_by_differences_of_forces(finished):
    potential, history, _ = finished
    system, masses = system_of(MOLECULE, jnp.float64), MOLECULE.masses
    x = history[0].positions
    modes = normal_modes(hessians(potential, system, x[None])[0], x, masses)
    assert len(modes.wavenumbers) == 3 * MOLECULE.n_atoms - 6
    assert modes.wavenumbers.min() > 0
    assert 2900 < modes.wavenumbers.max() < 3900


@pytest.mark.slow
def test_failed_calculations_end_hops_with_a_reason_and_the_search_goes_on():
    given = Atoms(MOLECULE.atomic_numbers, MOLECULE.positions, calculator=MMFF()).get_potential_energy()
    _, history, hops = search(f"ase:{__name__}:Fickle?above={given + 0.3}", 64)
    failed = [hop for hop in hops if hop.outcome == Outcome.FAILED]
    assert len(failed) >= 4
    reasons = {hop.reason for hop in failed}
    assert all("not finite" in reason or "not converged" in reason for reason in reasons), reasons
    assert any("RuntimeError: SCF not converged in 250 cycles" in reason for reason in reasons), reasons
    assert all(np.isfinite(minimum.energy) for minimum in history.minima)


def test_a_calculator_that_always_fails_is_an_input_error(caplog):
    with pytest.raises(InputError, match=r"not finite.*RuntimeError: SCF not converged in 250 cycles"):
        search(f"ase:{__name__}:Fickle?above=-1e3", 1)
    assert "SCF not converged in 250 cycles" in caplog.text


class Moody(MMFF):
    """MMFF94s that ends the process, sleeps, or returns nothing in some of its calculations."""

    n_calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        Moody.n_calls += 1
        if Moody.n_calls > 400 and Moody.n_calls % 20 == 0:  # the input is relaxed by then
            raise SystemExit("the licence has expired")
        if Moody.n_calls > 400 and Moody.n_calls % 20 == 10:
            self.results["energy"] = None


@pytest.mark.slow
def test_a_search_goes_on_after_faults_of_its_calculator_and_names_them():
    Moody.n_calls = 0
    _, history, hops = search(f"ase:{__name__}:Moody", 40)
    failed = [hop.reason for hop in hops if hop.outcome == Outcome.FAILED]
    wanted = ("SystemExit: the licence has expired", "ValueError: the calculator returned no energy")
    assert failed
    assert all(any(text in reason for text in wanted) for reason in failed), failed
    assert len(failed) < len(hops)
    assert all(np.isfinite(minimum.energy) for minimum in history.minima)
