"""HTML report as a file: size, import time and content."""

import base64
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ase.data import chemical_symbols
from pages import page_of, summary_of, table_of, write_page

from explorer.analysis.reliability import trust_counts
from explorer.analysis.run_analysis import KNOWN, NEW, RunAnalysis
from explorer.records.hop import Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.properties import Properties
from explorer.records.run import Costs, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.report.headline import headline, remarks
from explorer.report.hop_tables import outcomes
from explorer.report.html import EXPLORATION_PANELS, embedded_script
from explorer.report.minima_tables import training, validation_table
from explorer.report.panel import CLASS_COLOURS
from explorer.report.payload import aligned, atom_labels, pack_array, payload
from explorer.report.properties_table import properties
from explorer.report.settings_tables import duration
from explorer.report.uncertainty_figures import uncertainty_panel, uncertainty_table
from explorer.report.unknown import unknown_minima
from explorer.topology.describe import describe
from explorer.units import KCAL_PER_MOL


def data_of(text: str) -> dict:
    return json.loads(re.search(r'id="run-data">(.*?)</script>', text, re.S)[1])


@pytest.fixture(scope="module")
def text(synthetic_run):
    return page_of(synthetic_run)


def test_importing_the_report_does_not_import_jax():
    code = "import sys, explorer.report.html; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_thousand_minima_of_42_atoms_stay_below_12_megabytes(tmp_path, run_factory):
    run = run_factory(1000)
    assert (len(run.minima), run.molecule.n_atoms) == (1000, 42)
    path = write_page(run, tmp_path / "deep" / "index.html")
    assert path.stat().st_size < 12e6


def test_page_has_no_external_address(text):
    page = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"""(src|href|action)\s*=\s*["'](?!data:)""", page)
    assert "url(" not in page
    assert "@import" not in page


def test_every_class_has_a_colour_of_its_own():
    assert set(CLASS_COLOURS) == set(StructureClass)
    assert len(set(CLASS_COLOURS.values())) == len(StructureClass)


def test_html_in_names_is_escaped(synthetic_run):
    molecule = replace(synthetic_run.molecule, name="</script><script>alert(1)</script>")
    text = page_of(replace(synthetic_run, molecule=molecule))
    assert "<script>alert(1)" not in text
    assert data_of(text)["name"] == molecule.name


def test_embedded_json_round_trip():
    value = {"a": "</script><!--", "b": [1, None]}
    assert "<" not in embedded_script(value)
    assert json.loads(embedded_script(value)) == value


def test_curve_of_distinct_minima_is_the_whole_number_at_small_thresholds_and_falls(text, synthetic_run):
    within, alone = data_of(text)["figures"]["identity"]["data"]
    for curve in (within, alone):
        assert curve["y"][0] == len(synthetic_run.minima)
        assert sorted(curve["y"], reverse=True) == curve["y"]
    assert all(a <= b for a, b in zip(alone["y"], within["y"], strict=True))


@pytest.mark.parametrize(("mirror", "degeneracy"), [("auto", 1), ("merge", 2)])
def test_minima_of_a_chiral_molecule_count_twice_only_where_mirror_images_are_merged(synthetic_run, mirror, degeneracy):
    config = synthetic_run.config | {"identity": {"mirror": mirror, "rmsd": 0.125, "of_an_older_version": 1}}
    degeneracies = payload(RunAnalysis(replace(synthetic_run, config=config)))["minima"]["degeneracy"]
    assert set(degeneracies) == {degeneracy}


def test_values_that_are_not_finite_become_null(synthetic_run):
    distance = synthetic_run.comparison.nearest_frame_distance.copy()
    distance[3] = np.nan
    run = replace(synthetic_run, comparison=replace(synthetic_run.comparison, nearest_frame_distance=distance))
    assert data_of(page_of(run))["minima"]["distance"][3] is None


def test_reference_relaxation_that_failed_leaves_a_gap(synthetic_run):
    energy = synthetic_run.validation.reference_energy.copy()
    energy[2] = np.nan
    run = replace(synthetic_run, validation=replace(synthetic_run.validation, reference_energy=energy))
    rows = validation_table(RunAnalysis(run)).parts[0].rows
    assert [row.cells[3] == "–" for row in rows] == [k == 2 for k in range(len(rows))]
    assert None in data_of(page_of(run))["figures"]["validation"]["data"][1]["y"]


def test_packed_structures_keep_all_distances_within_a_thousandth(synthetic_run):
    positions = np.stack([m.positions for m in synthetic_run.minima])
    packed = pack_array(aligned(positions, synthetic_run.molecule))
    raw = np.frombuffer(base64.b64decode(packed["int16"]), "<i2").reshape(positions.shape) * packed["resolution"]
    for before, after in zip(positions, raw, strict=True):
        difference = np.linalg.norm(before[:, None] - before, axis=-1) - np.linalg.norm(after[:, None] - after, axis=-1)
        assert np.abs(difference).max() < 2e-3


def test_aligned_structures_keep_their_chirality(synthetic_run):
    positions = np.stack([m.positions for m in synthetic_run.minima[:10]])
    turned = aligned(positions, synthetic_run.molecule)
    corners = [0, 4, 9, 20]
    volumes = [np.linalg.det(p[:, corners[1:]] - p[:, corners[:1]]) for p in (positions, turned)]
    assert np.allclose(*volumes, atol=1e-9)


def test_structures_larger_than_int16_are_stored_coarser_not_clipped():
    positions = np.array([[[0.0, 0, 0], [80.0, 0, 0]]])
    packed = pack_array(positions)
    raw = np.frombuffer(base64.b64decode(packed["int16"]), "<i2") * packed["resolution"]
    assert raw[3] == pytest.approx(80.0, abs=3e-3)


def test_relative_energies_are_above_the_lowest_conformer(synthetic_run):
    analysis = RunAnalysis(synthetic_run)
    lowest = min(m.energy for m in synthetic_run.minima if m.structure_class.is_conformer)
    wanted = [(m.energy - lowest) / KCAL_PER_MOL for m in synthetic_run.minima]
    assert analysis.energies == pytest.approx(wanted)


def test_known_new_and_missed_count_the_training_minima(synthetic_run):
    analysis = RunAnalysis(synthetic_run)
    trained = synthetic_run.comparison.training_minima
    conformers = sum(m.structure_class.is_conformer for m in synthetic_run.minima)
    assert analysis.recognition.count(KNOWN) == sum(t.found is not None for t in trained)
    assert analysis.recognition.count(KNOWN) + analysis.recognition.count(NEW) == conformers
    assert len(analysis.missed) == sum(t.found is None for t in trained)


def test_outcome_table_counts_every_hop_once(synthetic_run):
    ends, by_move, reasons = outcomes(RunAnalysis(synthetic_run)).parts
    assert sum(int(row.cells[2].replace(",", "")) for row in ends.rows) == len(synthetic_run.hops)
    assert sum(int(row.cells[1].replace(",", "")) for row in by_move.rows) == sum(
        h.start >= 0 for h in synthetic_run.hops
    )
    explained = sum(h.outcome in (Outcome.CHANGED, Outcome.FAILED) for h in synthetic_run.hops)
    assert sum(int(row.cells[2].replace(",", "")) for row in reasons.rows) == explained


def test_rare_reasons_are_counted_together(synthetic_run):
    hops = [
        replace(hop, outcome=Outcome.FAILED, end=None, reason="why" + "y" * (k // 2))
        for k, hop in enumerate(synthetic_run.hops[:150])
    ]
    *_, reasons = outcomes(RunAnalysis(replace(synthetic_run, hops=tuple(hops)))).parts
    assert len(reasons.rows) == 41
    assert reasons.rows[-1].cells[1:] == ("35 other reasons (pes-explore export: hops.csv)", "70")
    assert len(reasons.columns) == 3  # no reason has several texts


def test_payload_names_the_differences_from_the_input(synthetic_run):
    mirrored = replace(synthetic_run.minima[0], id=1, positions=-synthetic_run.molecule.positions)
    given = replace(synthetic_run.minima[0], positions=synthetic_run.molecule.positions)
    nothing = {"hops": (), "comparison": None, "validation": None, "certificates": (), "saddles": ()}
    run = replace(synthetic_run, minima=(given, mirrored), **nothing)
    said = data_of(page_of(run))["minima"]["difference"]
    centres = [name for name, label in describe(run.molecule)["chirality"].items() if label]
    assert said == ["", "; ".join(f"{name} inverted" for name in centres)]


def test_atoms_without_names_are_numbered(synthetic_run):
    bare = replace(synthetic_run.molecule, atom_names=())
    symbols = [chemical_symbols[z] for z in bare.atomic_numbers]
    assert atom_labels(bare)[:2] == [f"{symbols[0]}1", f"{symbols[1]}2"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(42.4, "42 s"), (59.7, "1 min 00 s"), (581, "9 min 41 s"), (7500, "2 h 05 min")]
)
def test_durations_are_formatted(seconds, expected):
    assert duration(seconds) == expected


def test_report_of_a_cluster_without_bonds_explains_missing_panels():
    rng = np.random.default_rng(0)
    numbers, none = np.full(7, 18), np.zeros((0, 2), dtype=int)
    molecule = Molecule(
        name="lj7",
        atomic_numbers=numbers,
        positions=rng.normal(size=(7, 3)),
        bonds=none,
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(7, dtype=int),
    )
    minima = tuple(
        Minimum(
            id=i,
            energy=-16.5 + i,
            positions=rng.normal(size=(7, 3)),
            structure_class=StructureClass.INTACT,
            fmax=1e-4,
            n_evaluations=10 * i,
            round=0,
        )
        for i in range(4)
    )
    text = page_of(
        RunRecord(
            molecule=molecule,
            config={"potential": "lennard-jones"},
            provenance={},
            minima=minima,
            hops=(),
            rounds=(Costs(n_evaluations=100, n_minima=4, wall_seconds=1.0, potential_seconds=0.5),),
        )
    )
    assert "no residue with both φ and ψ" in text
    assert "No hop between two different minima" in text
    assert data_of(text)["symbols"] == ["Ar"] * 7


def test_energy_contributions_and_dipoles_are_shown_if_the_model_has_them(synthetic_run):
    assert 'id="panel-properties"' not in page_of(synthetic_run)
    n, n_atoms = len(synthetic_run.minima), synthetic_run.molecule.n_atoms
    charges = np.zeros((n, n_atoms))
    charges[:, 3], charges[:, 7] = -0.61, 0.42
    dipoles = np.tile([0.0, 0.6, 0.8], (n, 1))
    parts = np.linspace(0, 1, n)
    run = replace(
        synthetic_run,
        properties=Properties(
            local=parts, zbl=parts, electrostatic=-parts, dispersion=0 * parts, charges=charges, dipoles=dipoles
        ),
    )
    block = properties(RunAnalysis(run))
    lowest = block.parts[0].rows[0]
    assert lowest.cells[1:7] == ("0.00", "+0.00", "+0.00", "+0.00", "+0.00", "4.80")
    assert lowest.cells[7].endswith("-0.61 e")
    assert lowest.cells[8].endswith("+0.42 e")
    assert 'id="panel-properties"' in page_of(run)


def test_no_comparison_is_suggested_for_a_potential_without_training_data(synthetic_run):
    for potential, is_trained in (("default", True), ("ase:explorer.bench.mmff:MMFF", False), ("lennard-jones", False)):
        provenance = synthetic_run.provenance | {"potential": potential}
        analysis = RunAnalysis(replace(synthetic_run, comparison=None, provenance=provenance))
        for said in (" ".join(remarks(analysis)), training(analysis).absent):
            assert ("pes-explore compare" in said) == is_trained
            assert ("not fitted to data" in said) != is_trained


def test_explanations_speak_of_training_data_only_where_there_is_a_comparison(synthetic_run):
    def explanations(run: RunRecord) -> str:
        return " ".join(re.findall(r'class="explanation">([^<]*)<', page_of(run)))

    phrases = ("a training frame relaxes to it", "known from the training data", "Training frames are grey")
    assert all(phrase in explanations(synthetic_run) for phrase in phrases)
    assert not any(phrase in explanations(replace(synthetic_run, comparison=None)) for phrase in phrases)


def test_minima_that_only_a_flipped_amide_keeps_from_the_search_are_counted_apart(synthetic_run):
    analysis, summary = RunAnalysis(synthetic_run), summary_of(synthetic_run)
    missed = summary["comparison"]["n_missed"]
    for as_given, shown in ((missed, {"known, not found": f"{missed}"}), (0, {"known, not found": "0"})):
        counted = summary["comparison"] | {"as_given": summary["comparison"]["as_given"] | {"n_missed": as_given}}
        tiles = {n.name: n.value for n in headline(analysis, summary | {"comparison": counted})}
        apart = {} if as_given else {"not found, amide flipped": f"{missed}"}
        assert {name: value for name, value in tiles.items() if "not found" in name} == shown | apart


def test_minima_are_grouped_by_trust_level(synthetic_run):
    analysis = RunAnalysis(synthetic_run)
    by_verdict = trust_counts(synthetic_run)
    assert by_verdict == {"trusted": 54, "uncertain": 3, "out-of-distribution": 3}
    block = uncertainty_table(analysis)
    assert [row.cells[0::2][:2] for row in block.parts[0].rows] == [(v, str(n)) for v, n in by_verdict.items()]
    assert [row.structure for row in block.parts[1].rows] == list(range(59, 49, -1))  # the least known ones first
    drawn = {trace["name"]: trace["customdata"] for trace in uncertainty_panel(analysis).figure["data"]}
    assert drawn["out-of-distribution"] == [19, 39, 59]
    assert summary_of(synthetic_run)["trust_levels"] == by_verdict
    assert "54 trusted, 3 uncertain, 3 out-of-distribution" in table_of(synthetic_run)["model reliability"]


def test_panel_of_a_model_without_uncertainty_names_the_command_that_adds_it(synthetic_run):
    silent = replace(synthetic_run, minima=tuple(replace(m, uncertainty=None) for m in synthetic_run.minima))
    assert uncertainty_table(RunAnalysis(silent)) is None
    assert "pes-explore train" in uncertainty_panel(RunAnalysis(silent)).absent
    assert "trust level" in page_of(silent)  # in the script, which leaves the column out


def test_minima_that_the_model_does_not_know_are_in_a_table_of_their_own(synthetic_run):
    assert unknown_minima(RunAnalysis(synthetic_run)) is None
    lowest = min(synthetic_run.minima, key=lambda m: m.energy).id
    minima = tuple(replace(m, exclusion="a hole" if m.id == lowest else "") for m in synthetic_run.minima)
    analysis = RunAnalysis(replace(synthetic_run, minima=minima))
    (row,) = unknown_minima(analysis).parts[0].rows
    assert (row.structure, row.cells[0], row.cells[-1]) == (lowest, lowest, "a hole")
    assert float(row.cells[1]) < 0  # below the zero, which is the lowest conformer that is a result
    shown = [make(analysis).figure for make in EXPLORATION_PANELS if make is not uncertainty_panel]
    for figure in shown:
        assert not any(lowest in trace.get("customdata", []) for trace in figure["data"])
    page = page_of(analysis.run)
    assert "Minima that the model does not know" in page
    assert "a hole" in page


def test_remarks_about_the_input_are_shown(synthetic_run):
    remark = "ALA2 is D (R at CA), but its name is that of an L residue."
    assert remark not in page_of(synthetic_run)
    noted = replace(synthetic_run, molecule=replace(synthetic_run.molecule, remarks=(remark,)))
    assert remark in page_of(noted)
