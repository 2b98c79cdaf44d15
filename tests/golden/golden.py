"""Golden runs: short searches on one core whose every hop is stored as JSON.

A change that is meant to change no hop, such as a renaming or a move of code, must leave them as they are. Where the
search itself is changed on purpose, write them anew and say in the commit why:

    python tests/golden/golden.py
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from explorer.store.read import read_run

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
N_HOPS = 30
# JAX runs threads in the process of the tests, so that the core is chosen after its fork
ON_ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
)
COMMON = ("--hops", N_HOPS, "--walkers", 4, "--seed", 0, "--precision", "float64", "--set", "training_frames=0")
COMMON += ("--allow", "cis-amide")  # the default of version 0.1
RUNS = {  # arguments of `pes-explore run`
    "lj7": (FOLDER / "lj7.xyz", "--potential", "lennard-jones"),
    "ac-ala-nhme": (ROOT / "data/peptides/ac-ala-nhme.pdb", "--potential", ROOT / "tests/data/gfn2-peptides"),
    "n-acetylglycine-mmff94s": ("--smiles", "CC(=O)NCC(=O)O", "--potential", "ase:explorer.bench.mmff:MMFF"),
}


def search(name: str, out: Path) -> None:
    """Make a golden run in a process restricted to one core.

    Args:
        name: Key of `RUNS`.
        out: Folder of the run, which must not hold one.
    """
    command = [sys.executable, "-m", "cli", "run", *RUNS[name], *COMMON, "--out", out]
    subprocess.run(
        [sys.executable, "-c", ON_ONE_CORE, *map(str, command)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=1200,
        env={**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},  # half the time goes to compilation
    )


def trace(folder: Path) -> dict:
    """The minima and hops of a run as plain values; energies in eV."""
    record = read_run(folder)
    return {
        "minima": [
            {"id": m.id, "energy": m.energy, "class": str(m.structure_class), "n_evaluations": m.n_evaluations}
            for m in record.minima
        ],
        "hops": [
            {
                "walker": hop.walker,
                "start": hop.start,
                "end": hop.end,
                "outcome": str(hop.outcome),
                "accepted": hop.accepted,
                "n_evaluations": hop.n_evaluations,
            }
            for hop in record.hops
        ],
        "n_evaluations": record.rounds[-1].n_evaluations,
    }


def stored(name: str) -> dict:
    """The golden trace of a run."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def write(name: str) -> None:
    """Make a golden run and store its trace."""
    with tempfile.TemporaryDirectory() as folder:
        search(name, Path(folder) / "run")
        content = trace(Path(folder) / "run")
    lines = ["{", f' "n_evaluations": {content["n_evaluations"]},']
    for key, end in (("minima", "],"), ("hops", "]")):
        rows = ",\n".join(f"  {json.dumps(row)}" for row in content[key])
        lines += [f' "{key}": [', rows, f" {end}"]
    (FOLDER / f"{name}.json").write_text("\n".join([*lines, "}"]) + "\n")


if __name__ == "__main__":
    for run_name in sys.argv[1:] or RUNS:
        write(run_name)
