"""Certification in the report and in the summary, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
from pages import summary_of, table_of

from explorer.analysis.certification import certification_counts
from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.certificates import StationaryPointType
from explorer.report.certification import certification, certification_columns, certified_minima_header, listed_minima
from explorer.units import BOLTZMANN, KCAL_PER_MOL
from explorer.vibrations.thermochemistry import vibrational_free_energy, zero_point_energy


@pytest.fixture
def partly(synthetic_run):
    """All but the last five minima tested."""
    return replace(synthetic_run, certificates=synthetic_run.certificates[:-5])


def test_certificates_are_counted_in_the_summary(synthetic_run, partly):
    whole = summary_of(synthetic_run)["certification"]
    assert (whole["n_minima"], whole["n_saddles"], whole["n_not_certified"], whole["n_left"]) == (58, 1, 1, 0)
    assert whole["n_products"] == 60 * 17
    assert summary_of(partly)["certification"]["n_left"] == 5
    assert summary_of(replace(partly, certificates=()))["certification"] is None
    line = table_of(synthetic_run)["certification"]
    assert line == "58 confirmed minima, 1 saddle point, 1 not certified, 0 not tested"


def test_free_energies_are_at_the_requested_temperature(synthetic_run):
    cold, hot = (certification_counts(RunAnalysis(synthetic_run, kelvin))["free_energies"] for kelvin in (200.0, 400.0))
    assert len(cold) == len(hot) == 10
    assert [row["free_energy"] for row in cold] == sorted(row["free_energy"] for row in cold)
    entropy = {row["id"]: row["free_energy"] for row in hot}
    for row in cold:
        waves = synthetic_run.certificates[row["id"]].wavenumbers
        assert row["zero_point_energy"] == pytest.approx(zero_point_energy(waves))
        # rotation adds -3/2 kT ln T; the moments of inertia cancel in nothing but the difference of temperatures
        vibration = vibrational_free_energy(waves, 400.0) - vibrational_free_energy(waves, 200.0)
        assert entropy[row["id"]] - row["free_energy"] < vibration - BOLTZMANN * 300


def test_columns_are_ordered_by_id_with_gaps(synthetic_run, partly):
    found = certification_columns(RunAnalysis(partly))
    assert {len(column) for column in found.values()} == {60}
    assert found["verdict"][-5:] == [""] * 5
    assert found["lowest"][-5:] == [None] * 5
    whole = certification_columns(RunAnalysis(synthetic_run))
    known = [k for k, value in enumerate(whole["free"]) if value is not None]
    assert sorted(known) == sorted(
        c.minimum
        for c in synthetic_run.certificates
        if c.point_type == StationaryPointType.MINIMUM and len(c.wavenumbers)
    )
    assert min(whole["free"][k] for k in known) == 0.0
    k = known[0]
    waves = synthetic_run.certificates[k].wavenumbers
    assert whole["zeroPoint"][k] == pytest.approx(zero_point_energy(waves) / KCAL_PER_MOL, abs=0.006)


def test_block_lists_saddle_points_and_uncertified_minima(synthetic_run):
    saddles, doubtful = certification(RunAnalysis(synthetic_run)).parts
    (row,) = saddles.rows
    lowest = int(np.argmin([m.energy for m in synthetic_run.minima]))
    assert row.cells[2] == "80i"
    assert "not found by the run" in row.cells[3]
    assert row.cells[4].endswith(f"minimum {lowest} of the run")
    assert [r.cells[1] for r in doubtful.rows] == ["relaxes on to another structure"]
    assert "pes-explore certify" in certification(RunAnalysis(replace(synthetic_run, certificates=()))).absent


def test_table_of_the_command_shows_the_lowest_minima_and_all_other_structures(synthetic_run):
    rows = listed_minima(RunAnalysis(synthetic_run), 3)
    assert len(rows) == 5
    assert {len(row) for row in rows} == {len(certified_minima_header(RunAnalysis(synthetic_run)))}
    assert [row[2] for row in rows] == ["minimum"] * 3 + ["not certified", "saddle"]
    assert rows[3][3] == "–"


def test_table_of_the_command_remarks_on_structures_that_are_not_conformers(synthetic_run):
    run = synthetic_run
    rows = {int(row[0]): row[-1] for row in listed_minima(RunAnalysis(run), len(run.minima))}
    reasons = {c.minimum: c.reason for c in run.certificates}
    others = [m for m in run.minima if not m.structure_class.is_conformer]
    assert others
    for minimum in others:
        reason = reasons[minimum.id]
        assert rows[minimum.id] == f"{minimum.structure_class}{'; ' if reason else ''}{reason}"
    assert all(rows[m.id] == reasons[m.id] for m in run.minima if m.structure_class.is_conformer)
