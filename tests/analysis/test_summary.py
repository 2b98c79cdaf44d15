"""Summary of a run, counted by hand, and its JSON file."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hops import make_hop
from pages import summary_of, table_of
from rdkit.Chem import rdMolTransforms

from explorer.analysis.changes import LOST, RELAXED, RESTORED, STAYED, moments_of_change
from explorer.analysis.run_analysis import RunAnalysis
from explorer.io.build import from_sequence, to_rdkit
from explorer.records.comparisons import Comparison, TrainingMinimum, Validation
from explorer.records.hop import Outcome
from explorer.records.minimum import Minimum
from explorer.records.run import Costs, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.report.changes import changes
from explorer.report.headline import remarks
from explorer.topology.bonds import topology_of
from explorer.units import KCAL_PER_MOL
from explorer.workflows.outputs import write_results

MOLECULE = from_sequence("G")
PROMISED = {"n_minima", "n_conformers", "n_evaluations", "n_hops", "outcomes", "wall_seconds", "potential_seconds"}


def make_run(**changes) -> RunRecord:
    classes = [StructureClass.INTACT, StructureClass.CIS_AMIDE, StructureClass.PROTON_TRANSFERRED]
    energies = [-1.0, -1.0 + 2 * KCAL_PER_MOL, -5.0]
    minima = tuple(
        Minimum(
            id=i,
            energy=energies[i],
            positions=MOLECULE.positions,
            structure_class=classes[i],
            fmax=0.004,
            n_evaluations=10 * i,
            round=0,
        )
        for i in range(3)
    )
    ends = [0, 0, 1, 2, None]
    outcomes = [Outcome.NEW, Outcome.SAME, Outcome.NEW, Outcome.CHANGED, Outcome.FAILED]
    hops = tuple(make_hop(k, end=ends[k], outcome=outcomes[k]) for k in range(5))
    fields = {
        "molecule": MOLECULE,
        "config": {"seed": 7},
        "provenance": {"potential_digest": "ab12"},
        "minima": minima,
        "hops": hops,
        "rounds": (
            Costs(n_evaluations=100, n_minima=1, wall_seconds=1.0, potential_seconds=0.6),
            Costs(n_evaluations=300, n_minima=3, wall_seconds=2.5, potential_seconds=1.5, n_idle=20),
        ),
        "visits": {0: 2, 1: 1, 2: 1},
    }
    return RunRecord(**(fields | changes))


def test_documented_keys_have_their_values():
    summary = summary_of(make_run(finished="budget of 5 hops"))
    assert set(summary) >= PROMISED
    assert (summary["n_minima"], summary["n_conformers"], summary["n_hops"]) == (3, 2, 5)
    assert (summary["n_as_given"], summary["n_flipped_amides"]) == (1, 1)
    assert (summary["n_evaluations"], summary["wall_seconds"], summary["potential_seconds"]) == (300, 2.5, 1.5)
    assert summary["outcomes"] == {"same": 1, "known": 0, "new": 2, "changed": 1, "too-uncertain": 0, "failed": 1}
    assert (summary["finished"], summary["seed"]) == ("budget of 5 hops", 7)
    assert summary["provenance"] == {"potential_digest": "ab12"}


def test_allowed_changes_and_moments_of_change_are_counted():
    intact, cis, moved = StructureClass.INTACT, StructureClass.CIS_AMIDE, StructureClass.PROTON_TRANSFERRED
    cases = [  # start, class where the dynamics ended, end: minima 0 and 1 are conformers, 2 is not
        (0, intact, 0, ""),
        (0, cis, 1, ""),
        (1, intact, 0, ""),
        (2, moved, 2, ""),
        (-1, None, 0, ""),
        (0, moved, 2, STAYED),
        (2, intact, 1, STAYED),
        (0, moved, 1, RESTORED),
        (0, moved, None, LOST),
        (0, cis, 2, RELAXED),
        (0, None, 2, RELAXED),
        (0, None, None, ""),
    ]
    for start, escape, end, moment in cases:
        hop = make_hop(start=start, end=end, escape_class=escape)
        assert moments_of_change(make_run(hops=(hop,))) == ({moment: 1} if moment else {})
    hops = tuple(
        make_hop(k, start=start, end=end, escape_class=escape) for k, (start, escape, end, _) in enumerate(cases)
    )
    run = make_run(hops=hops, config={"hopping": {"allow": ["cis-amide", "reaction"]}})
    summary = summary_of(run)
    assert (summary["escapes_changed"], summary["escapes_restored"]) == (4, 1)
    assert summary["allowed"] == ["cis-amide", "reaction"]
    assert table_of(run)["escapes that changed bonds"] == "4 (1 reversed by relaxation)"
    block = changes(RunAnalysis(run))
    assert not block.absent
    classes, moments = block.parts
    assert [row.cells for row in classes.rows if row.cells[1] != "0"] == [
        ("intact", "1", "3", "yes"),
        ("cis-amide", "1", "3", "yes"),
        ("proton-transferred", "1", "4", "no"),
    ]
    assert [row.cells[1] for row in moments.rows] == ["2", "1", "1", "2"]
    assert summary_of(make_run())["allowed"] == ["cis-amide"]


def test_energies_are_of_conformers_only():
    summary = summary_of(make_run())
    assert summary["lowest_energy"] == -1.0
    assert summary["relative_energies"] == pytest.approx([0.0, 2 * KCAL_PER_MOL])
    # observed once each (a hop back is none): two singletons, so Chao1's correction is 2 * 1 / 2
    assert (summary["estimated_minima"], summary["coverage"]) == (3.0, pytest.approx(2 / 3))
    assert summary["classes"]["proton-transferred"] == 1
    assert sum(summary["classes"].values()) == 3


def test_coverage_is_the_visited_share_of_the_estimate():
    minima = tuple(
        Minimum(
            id=i,
            energy=-1.0,
            positions=MOLECULE.positions,
            structure_class=StructureClass.INTACT,
            fmax=0.0,
            n_evaluations=1,
            round=0,
        )
        for i in range(6)
    )
    minima = (*minima, replace(minima[0], id=6, energy=-0.5))
    ends = [0, 1, 2, 3, *[4] * 2, *[5] * 9, *[6] * 2]
    hops = tuple(make_hop(k, end=end) for k, end in enumerate(ends))
    run = make_run(minima=minima, hops=hops)
    whole, near = 7 + 4**2 / (2 * 2), 6 + 4**2 / (2 * 1)  # the seventh lies 0.5 eV above
    summary = summary_of(run)
    assert (summary["estimated_minima"], summary["coverage"]) == (whole, pytest.approx(7 / whole))
    by_window = {one["window"]: one for one in summary["coverage_estimates"]}
    assert set(by_window) == {6 * KCAL_PER_MOL, None}
    assert by_window[6 * KCAL_PER_MOL]["estimated_minima"] == near
    assert by_window[None]["next_known"] == pytest.approx(1 - 4 / 17)
    lower, upper = by_window[None]["coverage_interval"]
    assert 0 < lower < 7 / whole < upper == 1
    assert "of about 14 minima within 6 kcal/mol; 0.64 (" in table_of(run)["estimated coverage"]
    chosen = summary_of(replace(run, config={"budget": {"window": 0.6}}))["coverage_estimates"]
    assert [one["n_seen"] for one in chosen] == [7, 7]


def test_comparison_and_validation_are_counted():
    positions, mol = MOLECULE.positions, to_rdkit(MOLECULE)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *topology_of(MOLECULE).amides[0].tolist(), 0.0)
    cis = mol.GetConformer().GetPositions()
    training = (
        TrainingMinimum(id=0, energy=-1.5, positions=cis, n_frames=3, found=None),
        TrainingMinimum(id=1, energy=-1.0, positions=positions, n_frames=5, found=0),
        TrainingMinimum(id=2, energy=-0.5, positions=positions, n_frames=1, found=None),
    )
    comparison = Comparison(
        training_minima=training,
        nearest_frame_distance=np.zeros(3),
        frames_torsions=np.zeros((0, 1, 2)),
        n_frames=50,
        n_relaxed=12,
        n_failed=3,
        source="data.npz 0123",
    )
    validation = Validation(
        reference="gfn2",
        ids=np.arange(4),
        rmsd=np.zeros(4),
        stayed=np.array([1, 1, 0, 1], bool),
        energy=np.zeros(4),
        reference_energy=np.zeros(4),
    )
    run = make_run(comparison=comparison, validation=validation)
    assert summary_of(run)["comparison"] == {
        "source": "data.npz 0123",
        "n_frames": 50,
        "n_relaxed": 12,
        "n_failed": 3,
        "n_training_minima": 3,
        "n_found_and_known": 1,
        "n_found_and_new": 1,
        "n_missed": 2,
        "as_given": {"n_training_minima": 2, "n_found_and_known": 1, "n_found_and_new": 0, "n_missed": 1},
    }
    assert summary_of(run)["validation"] == {
        "reference": "gfn2",
        "n_relaxed": 4,
        "n_same_conformer": 3,
        "median_rmsd": 0.0,
        "rank_correlation": None,
    }
    table = table_of(run)
    assert table["training data"] == "1 known and 1 new conformers; 2 of 3 training minima not found"
    of_input = table["  with the amides of the input"]
    assert of_input == "1 known and 0 new conformers; 1 of 2 training minima not found"
    assert table["validation"] == "3 of 4 minima remain the same conformer with gfn2"


def test_summary_is_strict_json(tmp_path):
    run = make_run(rounds=(Costs(n_evaluations=100, n_minima=1, wall_seconds=math.nan, potential_seconds=math.nan),))
    write_results(run, tmp_path)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert summary["wall_seconds"] is None
    assert summary["comparison"] is None


def test_run_without_a_round_can_be_summarised():
    run = make_run(minima=(), hops=(), rounds=(), visits={})
    summary = summary_of(run)
    assert (summary["n_minima"], summary["n_evaluations"], summary["lowest_energy"]) == (0, 0, None)
    assert table_of(run)["ended"] == "not yet"


def test_table_formats_the_summary():
    table = table_of(make_run(finished="time limit"))
    assert table["distinct conformers"] == "1 with the amides of the input, 1 with an amide flipped to cis"
    assert table["lowest conformers (kcal/mol)"] == "0.00, 2.00"
    assert table["other structures"] == "1 proton-transferred"
    assert table["hops"] == "5 (1 same, 2 new, 1 changed, 1 failed)"
    assert table["wall time"] == "2 s, 2 s of it for energies and forces"
    assert table["ended"] == "time limit"


@pytest.mark.parametrize(("outside", "n"), [((0,), 1), ((0, 1), 0), ((1,), 0), ((2,), 0), ((0, 2), 1)])
def test_lowest_conformers_that_are_out_of_distribution_are_reported(outside, n):
    # 0 and 1 are conformers, 0 the lower one; where all are out of distribution, none is lower than a reliable one
    said = [
        UncertaintyEstimate(
            energy_spread=0.1,
            force_spread=0.1,
            distance=1.0,
            expected_error=0.1,
            trust_level=TrustLevel.OUT_OF_DISTRIBUTION if k in outside else TrustLevel.UNCERTAIN,
        )
        for k in range(3)
    ]
    run = make_run()
    run = replace(run, minima=tuple(replace(m, uncertainty=d) for m, d in zip(run.minima, said, strict=True)))
    assert summary_of(run)["n_lowest_out_of_distribution"] == n
    row = table_of(run)["lowest conformers (kcal/mol)"]
    assert row.startswith("0.00, 2.00")
    warned = [line for line in remarks(RunAnalysis(run)) if "--max-uncertainty uncertain" in line]
    assert ("out of distribution" in row, len(warned)) == (n > 0, int(n > 0))


@pytest.mark.parametrize("hole", [0, 1])
def test_a_minimum_that_the_model_does_not_know_is_no_result(hole):
    run = make_run()
    run = replace(run, minima=tuple(replace(m, exclusion="a hole" if m.id == hole else "") for m in run.minima))
    summary, analysis = summary_of(run), RunAnalysis(run)
    assert (summary["n_minima"], summary["n_conformers"], summary["n_unknown"]) == (3, 1, 1)
    assert summary["lowest_energy"] == analysis.zero == run.minima[1 - hole].energy
    assert summary["relative_energies"] == [0.0]
    assert summary["unknown_share"] == [2 / 5, 1 / 5][hole]  # two hops ended in 0 and one in 1, of the same cost
    assert sum(summary["classes"].values()) == 2
    assert hole not in analysis.order.tolist()
    assert hole not in [i for _, _, ids in analysis.groups() for i in ids]
    assert table_of(run)["unknown to the model"].startswith("1 stored apart (")
