"""A zwitterion in the gas phase rearranges; the run explores the rearranged molecule and reports it."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.analysis.run_analysis import RunAnalysis
from explorer.config import BudgetSettings, HoppingSettings, Settings
from explorer.errors import InputError
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.input_minimum import MAX_INPUT_STARTS, MoleculeRearranged
from explorer.io.build import from_sequence
from explorer.io.settle import with_moved_protons
from explorer.potential.load import potential_of
from explorer.records.run import REARRANGED_TO
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.report.headline import remarks
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.uncertainty.criteria import Assessment
from explorer.workflows.outputs import write_results
from explorer.workflows.run import start_run

ALANINE = from_sequence("A", caps="none")


def moved_proton():
    """The positions of a zwitterion with one of its ammonium protons at an oxygen, 0.97 Å from it."""
    charges = ALANINE.formal_charges
    nitrogen, oxygen = int(charges.argmax()), int(charges.argmin())
    hydrogens = np.flatnonzero(ALANINE.atomic_numbers == 1)
    proton = next(k for k in hydrogens if sorted((nitrogen, k)) in ALANINE.bonds.tolist())
    carbon = next(j if i == oxygen else i for i, j in ALANINE.bonds if oxygen in (i, j))
    positions = ALANINE.positions.copy()
    outwards = positions[oxygen] - positions[carbon]
    positions[proton] = positions[oxygen] + 0.97 * outwards / np.linalg.norm(outwards)
    return positions, int(proton), oxygen


def test_bonds_and_charges_follow_the_proton():
    positions, proton, oxygen = moved_proton()
    assert sorted(ALANINE.formal_charges) == [-1, *[0] * (ALANINE.n_atoms - 2), 1]
    neutral = with_moved_protons(ALANINE, positions)
    assert not neutral.formal_charges.any()
    assert sorted((proton, oxygen)) in neutral.bonds.tolist()
    assert len(neutral.bonds) == len(ALANINE.bonds)
    assert neutral.atom_names == ALANINE.atom_names


def test_positions_without_bonds_for_the_charge_are_an_error():
    assert with_moved_protons(replace(ALANINE, total_charge=1), moved_proton()[0]) is None


@pytest.mark.slow
def test_a_run_explores_the_rearranged_zwitterion_and_reports_it(tmp_path):
    settings = Settings(
        potential=FIXED_NETWORK, hopping=HoppingSettings(n_walkers=2), budget=BudgetSettings(hops=2, minutes=0)
    )
    run = start_run(ALANINE, settings, tmp_path, lambda progress: None, lambda: False).record
    table = dict(write_results(run, tmp_path).table)
    assert not run.molecule.formal_charges.any()
    assert run.minima[0].structure_class == StructureClass.INTACT
    assert "zwitterion to neutral" in run.provenance[REARRANGED_TO]
    assert any("explores the rearranged molecule" in line for line in remarks(RunAnalysis(run)))
    assert table["rearranged to"] == run.provenance[REARRANGED_TO]


def test_only_protons_may_have_moved(tmp_path, monkeypatch):
    def begin(*_):
        broken = type("Found", (), {"changes": frozenset({StructureClass.BOND_BROKEN}), "reason": "bond broken"})
        raise MoleculeRearranged("broken", ALANINE.positions, broken)

    monkeypatch.setattr("explorer.workflows.run._begin", begin)
    with pytest.raises(InputError, match="broken"):
        start_run(ALANINE, Settings(), tmp_path / "none", lambda progress: None, lambda: False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("n_holes", [1, 3, MAX_INPUT_STARTS])
def test_an_input_in_a_spurious_low_energy_region_is_rattled_and_relaxed_again(monkeypatch, n_holes):
    molecule, settings = from_sequence("G"), Settings()
    far = molecule.positions.copy()
    far[-1] += 9.0  # a hydrogen
    ends = [far] * n_holes + [molecule.positions]
    starts = []

    def relaxed(relax, start):
        starts.append(start)
        return ends[len(starts) - 1], -1.0, 1e-4, 10

    monkeypatch.setattr("explorer.hopping.input_minimum.relax_to_convergence", relaxed)
    potential, _ = potential_of(replace(settings, precision="float64"), molecule)
    history = History(symmetry_of(molecule), settings.identity)
    outside = UncertaintyEstimate(
        energy_spread=1.0,
        force_spread=1.0,
        distance=9.0,
        expected_error=1.0,
        trust_level=TrustLevel.OUT_OF_DISTRIBUTION,
    )

    def assess(positions, energies, ordinary):
        return [Assessment(outside, "a hole" if np.ptp(x) > 9 else "") for x in positions]

    search = Coordinator(potential, molecule, settings, history, assess)
    if n_holes == MAX_INPUT_STARTS:  # as often as it is tried
        with pytest.raises(InputError, match=r"only to structures that the model does not know \(a hole\)"):
            search.relax_input()
    else:
        assert search.relax_input().n_evaluations == 10 * (n_holes + 1)
        assert history.minima[0].structure_class == StructureClass.INTACT
        assert len({start.tobytes() for start in starts}) == n_holes + 1
