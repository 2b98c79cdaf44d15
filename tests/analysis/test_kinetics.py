"""Exchange between minima of a run, against rate constants that the test computes itself, and its remarks."""

from dataclasses import replace

import numpy as np
import pytest
from connected_run import LOWEST, SADDLES, wavenumbers, write_connected_run

from explorer.analysis.kinetic_model import kinetic_model
from explorer.analysis.kinetics import exchange, exchange_as_json
from explorer.analysis.kinetics_table import exchange_rows
from explorer.analysis.run_analysis import RunAnalysis
from explorer.errors import InputError
from explorer.units import BOLTZMANN, KCAL_PER_MOL, PLANCK
from explorer.vibrations.thermochemistry import free_energy


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_connected_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def analysis(run):
    return RunAnalysis(run)


def rate(run, start: int, saddle: int, temperature: float) -> float:
    """kT/h exp(-ΔF/kT) over one saddle, 1/s."""
    state, masses = run.transition_states[saddle], run.molecule.masses
    top = free_energy(state.energy, state.wavenumbers[1:], state.positions, masses, temperature)
    minimum = run.minima[start]
    bottom = free_energy(minimum.energy, wavenumbers(start), minimum.positions, masses, temperature)
    return BOLTZMANN * temperature / PLANCK * 1e15 * np.exp(-(top - bottom) / (BOLTZMANN * temperature))


def test_rates_are_those_of_transition_state_theory(run, analysis):
    network = kinetic_model(analysis, 350.0).certified
    rates = network.rate_matrix().toarray()
    for saddle, (a, b, _) in enumerate(SADDLES):
        if a != b:
            assert rates[a, b] == pytest.approx(rate(run, a, saddle, 350.0), rel=1e-8)
            assert rates[b, a] == pytest.approx(rate(run, b, saddle, 350.0), rel=1e-8)
    assert np.count_nonzero(rates) == 8


def test_classical_rates_are_the_formula_of_vineyard(run, analysis):
    network = kinetic_model(analysis, 350.0, classical=True).certified
    speed_of_light = 2.99792458e10  # cm/s
    ratio = np.exp(np.log(wavenumbers(0)).sum() - np.log(wavenumbers(100, 50.0)[1:]).sum())
    expected = speed_of_light * ratio * np.exp(-2.1 * KCAL_PER_MOL / (BOLTZMANN * 350.0))
    assert network.rate_matrix()[0, 2] == pytest.approx(expected, rel=1e-6)


def test_merged_mirror_images_and_symmetric_saddles_change_rates_as_their_number_of_versions(run):
    """A saddle that is its own mirror image is one where its minima are two, so that rates halve."""
    molecule = RunAnalysis(run)
    once = kinetic_model(molecule).certified
    merged = RunAnalysis(replace(run, config=run.config | {"identity": {"mirror": "merge"}}))
    twice = kinetic_model(merged).certified
    np.testing.assert_allclose(twice.rate_matrix().toarray(), once.rate_matrix().toarray(), rtol=1e-8)


def test_exchange_is_in_detailed_balance_and_names_its_saddle(analysis):
    result = exchange(kinetic_model(analysis), [0], [1, 3], n_paths=2)
    assert result.limiting_saddle == 1
    assert [path.minima for path in result.paths] == [(0, 1), (0, 2, 1)]
    balance = result.forward.rate * result.populations[0] / (result.backward.rate * result.populations[1])
    assert balance == pytest.approx(1, abs=1e-12)
    shares = dict(result.controlling)
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)
    assert max(shares, key=shares.get) == 1


def test_share_of_a_saddle_is_the_change_of_the_rate_with_its_energy(run, analysis):
    shift = 1e-4
    states = list(run.transition_states)
    states[1] = replace(states[1], energy=states[1].energy + shift)
    before = exchange(kinetic_model(analysis), [0], [1])
    after = exchange(kinetic_model(RunAnalysis(replace(run, transition_states=tuple(states)))), [0], [1])
    slope = np.log(after.forward.rate / before.forward.rate) / shift * BOLTZMANN * 300.0
    assert -slope == pytest.approx(dict(before.controlling)[1], rel=1e-2)


def test_what_the_numbers_rest_on_is_said(analysis):
    remarks = exchange(kinetic_model(analysis), [0, 5], [1]).remarks
    assert any("1 of the 2 minima of A are left out" in text for text in remarks)
    assert any("saddle 1 is uncertain for the model" in text for text in remarks)
    assert any("factor of 5.4" in text for text in remarks)


def test_missing_saddle_gives_no_rate_but_a_lower_limit(analysis):
    result = exchange(kinetic_model(analysis), [0], [4])
    assert (result.forward.rate, result.forward.mean_time, result.limiting_saddle) == (None, None, None)
    low = BOLTZMANN * 300 / PLANCK * 1e15 * np.exp(-18 * KCAL_PER_MOL / (BOLTZMANN * 300))
    # the barrier of the bound is counted with the larger thermal correction of both minima
    assert low / 1e3 < result.forward.rate_at_least <= low * (1 + 1e-9)
    assert any("No path over certified saddles" in text for text in result.remarks)
    as_json = exchange_as_json(result)
    assert as_json["k_forward"] is None
    assert as_json["k_forward_interval"] == [result.forward.rate_at_least, None]
    rows = dict(exchange_rows(analysis, result))
    assert rows["rate constant A to B"].startswith("at least")


def test_minimum_that_nothing_joins_has_neither(analysis):
    result = exchange(kinetic_model(analysis), [0], [5])
    assert result.forward.rate_at_least is None
    assert any("pes-explore connect" in text for text in result.remarks)


def test_lumping_keeps_the_slow_exchange(analysis):
    model = kinetic_model(analysis)
    plain, lumped = exchange(model, [0], [1]), exchange(model, [0], [1], lump=1e-9)
    assert lumped.forward.mean_time == pytest.approx(plain.forward.mean_time, rel=0.01)
    with pytest.raises(InputError, match="exchange within"):
        exchange(model, [0], [2], lump=1.0)
    with pytest.raises(InputError, match="minimum 0 is in both"):
        exchange(model, [0, 2], [0])


def test_saddles_without_all_vibrations_are_left_out_and_said(tmp_path):
    analysis = RunAnalysis(write_connected_run(tmp_path, complete=False))
    model = kinetic_model(analysis)
    assert len(model.certified.saddle_ids) == 0
    assert any("4 saddles without all vibrations" in text for text in model.remarks)
    assert exchange(model, [0], [1]).forward.rate_at_least > 1  # from their energies


def test_table_says_times_in_words(analysis):
    rows = dict(exchange_rows(analysis, exchange(kinetic_model(analysis), [0], [1])))
    assert "about" in rows["mean first-passage time A to B"]
    assert rows["path 1"] == "0 - [saddle 1, 6.70 kcal/mol] - 1"
    assert rows["A"].startswith("1 minimum, population")
    assert LOWEST < -1000  # energies far from zero lose no digits
