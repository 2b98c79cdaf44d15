"""Found and known, found and new, known and missed: a run with six minima and four training minima, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.training_comparison import NEVER_VISITED, missed_reasons, training_comparison
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.comparisons import Comparison, TrainingMinimum
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass

MOLECULE = from_sequence("A")
STRUCTURES = embed(to_rdkit(MOLECULE), 6, seed=1)  # trans amides


def minimum(id: int, **changes) -> Minimum:
    fields = {
        "energy": 0.1 * id,
        "positions": STRUCTURES[id],
        "structure_class": StructureClass.INTACT,
        "fmax": 1e-4,
        "n_evaluations": id,
        "round": 0,
    }
    return Minimum(id=id, **(fields | changes))


def trained(id: int, energy: float, found: int | None, positions=STRUCTURES[5]) -> TrainingMinimum:
    return TrainingMinimum(id=id, energy=energy, positions=positions, n_frames=id + 1, found=found)


@pytest.fixture
def run() -> RunRecord:
    """Minima 0 to 2 are conformers, 3 is excluded, 4 is broken; training minima lead to 1 and 3 and to two others."""
    minima = (
        minimum(0),
        minimum(1),
        minimum(2),
        minimum(3, exclusion="out-of-distribution"),
        minimum(4, structure_class=StructureClass.BOND_BROKEN),
    )
    comparison = Comparison(
        training_minima=(trained(0, 0.05, None), trained(1, 0.1, 1), trained(2, 0.3, 3), trained(3, 0.9, None)),
        nearest_frame_distance=np.arange(5.0),
        frames_torsions=np.zeros((0, 1, 2)),
        n_frames=20,
        n_relaxed=12,
        n_failed=2,
        source="data.npz sha256 0",
    )
    return RunRecord(
        molecule=MOLECULE,
        config=to_dict(Settings()),
        provenance={},
        minima=minima,
        hops=(),
        rounds=(),
        finished="",
        visits={},
        comparison=comparison,
    )


def with_settings(run: RunRecord, group: str, **values) -> RunRecord:
    return replace(run, config=run.config | {group: run.config[group] | values})


def test_lists_are_those_counted_by_hand(run):
    values = training_comparison(RunAnalysis(run))
    assert [one["id"] for one in values["found_and_known"]] == [1]
    assert [one["id"] for one in values["found_and_new"]] == [0, 2]
    assert [one["id"] for one in values["known_and_missed"]] == [0, 3]
    assert [(one["id"], one["reason"]) for one in values["found_and_excluded"]] == [(3, "out-of-distribution")]
    assert values["found_and_known"][0]["n_frames"] == 2
    assert [one["torsion_distance"] for one in values["found_and_new"]] == [0.0, 2.0]
    assert values["known_and_missed"][1]["relative_energy"] == pytest.approx(0.9)  # above minimum 0
    counts = [values[f"n_{name}"] for name in ("found_and_known", "found_and_new", "known_and_missed")]
    assert counts == [1, 2, 2]


def test_a_missed_minimum_above_the_window_was_not_searched_for(run):
    everywhere = with_settings(run, "budget", window=0.0)
    assert missed_reasons(RunAnalysis(everywhere)) == [NEVER_VISITED, NEVER_VISITED]
    low, high = missed_reasons(RunAnalysis(with_settings(run, "budget", window=0.13)))
    assert low == NEVER_VISITED
    assert high.startswith("above the window: 20.7")  # kcal/mol


def test_a_missed_minimum_of_a_class_that_is_not_allowed_was_not_searched_for(run):
    cis = twisted_amide()
    missed = replace(run.comparison, training_minima=(trained(0, 0.05, None, cis),))
    run = replace(run, comparison=missed)
    assert missed_reasons(RunAnalysis(with_settings(run, "hopping", allow=()))) == ["class not allowed: cis-amide"]
    assert missed_reasons(RunAnalysis(with_settings(run, "hopping", allow=("cis-amide",)))) == [NEVER_VISITED]


def twisted_amide() -> np.ndarray:
    """The molecule with one cis amide, set by RDKit."""
    from rdkit.Chem import rdMolTransforms

    from explorer.topology.bonds import topology_of

    conformer = to_rdkit(MOLECULE).GetConformer()
    rdMolTransforms.SetDihedralDeg(conformer, *topology_of(MOLECULE).amides[0].tolist(), 0.0)
    return conformer.GetPositions()
