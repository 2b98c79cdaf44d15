"""Merged runs of one molecule whose shared minima are known by construction."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.comparison.merge import merge_runs, merged_config, merged_provenance, refuse_to_resume
from explorer.config import IdentitySettings, Settings
from explorer.config_file import read_toml, to_dict
from explorer.errors import InputError
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.landscape.coverage import VisitCounts
from explorer.overrides import with_overrides
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import START_TIMES, Costs, Round, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.workflows.merge import merge_folders
from explorer.workflows.outputs import write_results

MOLECULE = from_sequence("AA")
STRUCTURES = embed(to_rdkit(MOLECULE), 6, seed=4)  # all RMSDs above 0.3 Å: each is a minimum of its own
NAMES = ("runs/first", "runs/second")


def permuted(molecule: Molecule, order: np.ndarray) -> Molecule:
    bonds = np.argsort(order)[molecule.bonds]
    return replace(
        molecule,
        atomic_numbers=molecule.atomic_numbers[order],
        positions=molecule.positions[order],
        formal_charges=molecule.formal_charges[order],
        atom_names=tuple(molecule.atom_names[k] for k in order),
        bonds=np.sort(bonds, axis=1),
    )


def make_run(structures: list[int], ends: list[tuple[int, int | None]], seed: int, order=None) -> RunRecord:
    """A run of two rounds and two walkers whose minimum k is a rotated copy of a structure; hops as (start, end)."""
    order = np.arange(MOLECULE.n_atoms) if order is None else order
    turn = Rotation.random(random_state=seed).as_matrix()
    minima = tuple(
        Minimum(
            id=k,
            energy=-1.0 + 0.1 * s,
            positions=(STRUCTURES[s] @ turn.T)[order],
            structure_class=StructureClass.INTACT,
            fmax=1e-5,
            n_evaluations=100 * (k + 1),
            round=[end for _, end in ends].index(k) // 3,
        )
        for k, s in enumerate(structures)
    )
    seen, hops = set(), []
    for n, (start, end) in enumerate(ends):
        outcome = Outcome.FAILED if end is None else Outcome.SAME if start == end else Outcome.KNOWN
        outcome = Outcome.NEW if end is not None and end not in seen else outcome
        seen.add(end)
        hops.append(
            Hop(
                walker=(n - 1) % 2 if n else -1,
                index=n // 2,
                round=min(n // 3, 1),
                start=start,
                end=end,
                outcome=outcome,
                reason="",
                accepted=True,
                temperature=400.0,
                ediff=0.1,
                highest_energy=0.5,
                n_evaluations=90,
            )
        )
    visits = Counter(hop.end for hop in hops if hop.end is not None)
    provenance = {"potential_digest": "3f9a", "seed": str(seed), "version": "1"}
    settings = to_dict(Settings(seed=seed))
    costs = (
        Costs(n_evaluations=300, n_minima=2, wall_seconds=4.0, potential_seconds=3.0, n_idle=10),
        Costs(n_evaluations=900, n_minima=len(minima), wall_seconds=9.0, potential_seconds=7.0, n_idle=30),
    )
    return RunRecord(
        molecule=permuted(MOLECULE, order),
        config=settings,
        provenance=provenance,
        minima=minima,
        hops=tuple(hops),
        rounds=costs,
        visits=dict(visits),
    )


FIRST = make_run([0, 1, 2], [(-1, 0), (0, 1), (1, 1), (1, 2), (2, None), (0, 2)], seed=1)
SECOND = make_run([2, 3, 0, 4], [(-1, 0), (0, 1), (1, 2), (2, 3), (3, 2), (0, 0)], seed=2)


def merged_twice(second: RunRecord = SECOND) -> list[Round]:
    return merge_runs([FIRST, second], NAMES, IdentitySettings())


def test_shared_minima_are_kept_once_with_ids_in_order_of_discovery():
    minima = [m for round in merged_twice() for m in round.minima]
    assert [m.id for m in minima] == [0, 1, 2, 3, 4]
    assert [m.energy for m in minima] == pytest.approx([-1.0 + 0.1 * s for s in (0, 1, 2, 3, 4)])
    assert [m.round for m in minima] == [0, 0, 1, 2, 3]
    assert [m.n_evaluations for m in minima] == [100, 200, 300, 900 + 200, 900 + 400]


def test_hops_connect_the_same_structures_as_before():
    hops = [hop for round in merged_twice() for hop in round.hops]
    ids = {0: 2, 1: 3, 2: 0, 3: 4, -1: -1, None: None}  # of the second run's structures 2, 3, 0, 4
    assert [(h.start, h.end) for h in hops[6:]] == [(ids[h.start], ids[h.end]) for h in SECOND.hops]
    assert hops[:6] == list(FIRST.hops)
    # minima of the first run are no longer new
    assert [h.outcome for h in hops[6:]] == [
        Outcome.KNOWN,
        Outcome.NEW,
        Outcome.KNOWN,
        Outcome.NEW,
        Outcome.KNOWN,
        Outcome.SAME,
    ]
    visits = Counter(h.end for h in hops if h.end is not None)
    assert visits == Counter({0: 1 + 2, 1: 2, 2: 2 + 2, 3: 1, 4: 1})
    assert VisitCounts([m for r in merged_twice() for m in r.minima], hops).coverage(0.0).n_observations == 9


def test_rounds_are_concatenated_costs_add_up_and_walkers_stay_distinct():
    rounds = merged_twice()
    assert [r.index for r in rounds] == [0, 1, 2, 3]
    assert [r.n_evaluations for r in rounds] == [300, 900, 1200, 1800]
    assert [r.wall_seconds for r in rounds] == [4.0, 9.0, 13.0, 18.0]
    assert [r.potential_seconds for r in rounds] == [3.0, 7.0, 10.0, 14.0]
    assert [r.n_idle for r in rounds] == [10, 30, 40, 60]
    keys = [(h.walker, h.index) for r in rounds for h in r.hops]
    assert len(set(keys)) == len(keys)
    assert {h.walker for h in rounds[2].hops + rounds[3].hops} == {-2, 2, 3}


def test_merge_does_not_depend_on_atom_order():
    order = np.random.default_rng(3).permutation(MOLECULE.n_atoms)
    second = make_run([2, 3, 0, 4], [(-1, 0), (0, 1), (1, 2), (2, 3), (3, 2), (0, 0)], seed=2, order=order)
    minima = [m for round in merged_twice(second) for m in round.minima]
    assert len(minima) == 5
    heavy = MOLECULE.atomic_numbers > 1
    turn = Rotation.random(random_state=2).as_matrix()
    np.testing.assert_allclose(minima[3].positions[heavy], (STRUCTURES[3] @ turn.T)[heavy], atol=1e-9)


def test_run_merged_with_copies_of_itself_gains_no_minimum():
    rounds = merge_runs([FIRST, FIRST, FIRST], ("a", "b", "c"), IdentitySettings())
    assert sum(len(r.minima) for r in rounds) == 3
    assert {h.outcome for r in rounds[2:] for h in r.hops} == {Outcome.KNOWN, Outcome.SAME, Outcome.FAILED}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provenance": {"potential_digest": "77"}}, r"default \(3f9a\).*default \(77\).*pes-explore compare"),
        (
            {"config": to_dict(Settings(identity=IdentitySettings(rmsd=0.3)))},
            "The same identity settings were expected",
        ),
        ({"molecule": from_sequence("AG"), "minima": (), "hops": ()}, "Merge runs of one molecule"),
        ({"molecule": replace(MOLECULE, positions=MOLECULE.positions * [1, 1, -1])}, "stereocentres"),
        ({"molecule": replace(MOLECULE, total_charge=2)}, "charge"),
    ],
)
def test_incompatible_runs_are_refused_with_the_reason(changes, message):
    with pytest.raises(InputError, match=message):
        merged_twice(replace(SECOND, **changes))


def test_provenance_lists_merged_runs_and_a_merged_run_is_not_resumed():
    provenance = merged_provenance([FIRST, SECOND], NAMES)
    assert (provenance["potential_digest"], provenance["seed"]) == ("3f9a", "1 | 2")
    assert provenance["merged"] == (
        "runs/first (seed 1, 3 minima, 6 hops, 900 force calls); "
        "runs/second (seed 2, 4 minima, 6 hops, 900 force calls)"
    )
    assert merged_config([FIRST, SECOND])["hopping"]["n_walkers"] == 4
    refuse_to_resume(FIRST, "runs/first")
    with pytest.raises(InputError, match=r"runs/both was merged from runs/first.*cannot be resumed.*Resume one of"):
        refuse_to_resume(replace(FIRST, provenance=provenance), "runs/both")


def stored(folder, run: RunRecord):
    """Store a run as a search would."""
    with Store.begin(folder / "run.sqlite", run.molecule, run.config, run.provenance) as store:
        for k, (calls, _, wall, potential, idle) in enumerate(run.rounds):
            minima = tuple(m for m in run.minima if m.round == k)
            store.commit(
                Round(
                    index=k,
                    minima=minima,
                    hops=tuple(h for h in run.hops if h.round == k),
                    walkers={},
                    n_evaluations=calls,
                    wall_seconds=wall,
                    potential_seconds=potential,
                    n_idle=idle,
                )
            )
    return folder


def test_merged_folders_are_read_like_any_run(tmp_path):
    folders = [stored(tmp_path / name, run) for name, run in (("a", FIRST), ("b", SECOND))]
    merge_folders(folders, tmp_path / "both")
    both = read_run(tmp_path / "both")
    assert (len(both.minima), len(both.hops), len(both.rounds)) == (5, 12, 4)
    assert both.visits == {0: 3, 1: 2, 2: 4, 3: 1, 4: 1}
    assert both.finished == "merged from 2 runs"
    assert with_overrides(Settings(), read_toml(tmp_path / "both" / "config.toml")) == with_overrides(
        Settings(), both.config
    )
    merge_folders([tmp_path / "both", folders[0]], tmp_path / "again")
    assert len(read_run(tmp_path / "again").minima) == 5
    assert "itself merged from" in read_run(tmp_path / "again").provenance["merged"]


def test_results_of_a_merged_run_are_written_without_the_start_times_of_its_parts(tmp_path):
    runs = [
        replace(run, provenance=run.provenance | dict.fromkeys(START_TIMES, seconds))
        for run, seconds in ((FIRST, "1.50"), (SECOND, "2.25"))
    ]
    folders = [stored(tmp_path / run.provenance["seed"], run) for run in runs]
    merge_folders(folders, tmp_path / "both")
    summary = write_results(read_run(tmp_path / "both"), tmp_path / "both").summary
    assert [summary[name] for name in START_TIMES] == [None] * len(START_TIMES)
    assert summary["wall_seconds"] == 18.0


def test_the_same_folder_twice_is_refused(tmp_path):
    folder = stored(tmp_path / "a", FIRST)
    with pytest.raises(InputError, match="Different runs are required"):
        merge_folders([folder, tmp_path / "b" / ".." / "a"], tmp_path / "both")
