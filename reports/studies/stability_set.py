"""Stability of dynamics of many molecules with a model, from their lowest conformers, at 300 and 500 K.

    python reports/studies/stability_set.py runs/held-out/* --molecules 10 --work runs/stability --out stability.json
    python reports/studies/stability_set.py runs/held-out/* --molecules 1 --share 0.01 --work try --out try.json

The runs are those of `held_out_search.py`. Charged molecules and large ones come first. Finished temperatures are
kept in the folder of work, so an interrupted call resumes.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from explorer.active_learning.cached import cached
from explorer.devices import configure_jax
from explorer.evaluate.model_card_tables import table
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.records.trajectories import StabilitySettings, ThermodynamicEnsemble
from explorer.store.database import RUN_FILE_NAME
from explorer.store.read import read_run
from explorer.workflows.session import Session
from explorer.workflows.stability import follow

PICOSECONDS = {300.0: 100.0, 500.0: 50.0}  # length at each temperature (K), six trajectories each
COLUMNS = ("model", "molecules", "temperature (K)", "trajectories", "ps", "changed bonds")


def measure(folder: Path, temperature: float, share: float) -> dict[str, Any]:
    """Return length and failures of the trajectories of a run at one temperature.

    Args:
        folder: Folder of the run.
        temperature: Of the thermostat, K.
        share: Share of the full length of the trajectories.
    """
    session = Session.open(folder)
    lowest = min(session.record.conformers, key=lambda m: m.energy)
    picoseconds = PICOSECONDS[temperature] * share
    settings = StabilitySettings(
        picoseconds=picoseconds,
        temperatures=(temperature,),
        ensembles=(ThermodynamicEnsemble.THERMOSTATTED,),
        equilibration=min(1.0, picoseconds),
    )
    molecule = session.record.molecule
    found = follow(session.potential("float32"), molecule, (lowest.id, lowest.positions), settings, _report)
    return {
        "molecule": molecule.name,
        "total_charge": molecule.total_charge,
        "n_atoms": molecule.n_atoms,
        "temperature": temperature,
        "picoseconds": [one.picoseconds for one in found],
        "failures": [f"{one.picoseconds:.1f} ps: {one.reason}" for one in found if one.failure],
    }


def chosen(records: dict[Path, RunRecord], n: int) -> list[Path]:
    """Return the folders of molecules to follow: half of them charged, the largest ones first.

    Args:
        records: Runs by folder.
        n: Number of molecules.
    """
    usable = [folder for folder, record in records.items() if record.conformers]
    usable.sort(key=lambda folder: -records[folder].molecule.n_atoms)
    charged = [folder for folder in usable if records[folder].molecule.total_charge]
    first = charged[: n // 2]
    return [*first, *(folder for folder in usable if folder not in first)][:n]


def _report(done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        print(f"{done} of {total} blocks", file=sys.stderr, flush=True)


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--molecules", type=int, default=10)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full length, for a try")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    records = {folder: read_run(folder) for folder in given.runs if (folder / RUN_FILE_NAME).exists()}
    result: dict[str, Any] = {"model": "", "share": given.share, "trajectories": []}
    for folder in chosen(records, given.molecules):
        result["model"] = records[folder].provenance["potential"]
        for temperature in PICOSECONDS:
            path = given.work / f"{folder.name}-{temperature:.0f}.json"
            result["trajectories"].append(cached(path, lambda f=folder, t=temperature: measure(f, t, given.share)))
            write_json(result, given.out)
    rows = []
    for temperature in PICOSECONDS:
        of = [one for one in result["trajectories"] if one["temperature"] == temperature]
        lengths = [length for one in of for length in one["picoseconds"]]
        failures = sum(len(one["failures"]) for one in of)
        values = (len(of), f"{temperature:.0f}", len(lengths), f"{sum(lengths):.0f}", failures)
        rows.append((result["model"], *map(str, values)))
    text = table(COLUMNS, rows)
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
