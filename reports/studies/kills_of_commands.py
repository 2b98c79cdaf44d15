"""Kills of the commands that write files: `label`, `train` and `merge`.

    python reports/studies/kills_of_commands.py --work runs/kills-of-commands --out reports/bench/kills-of-commands.json

Every command is killed several times at random moments (SIGKILL), and the same command is given again until it ends.
Its result must then equal that of the command that was never killed: labels and parameters bit by bit, runs in all
tables without times. Everything runs on one core. Finished parts are kept in the folder of work, so an interrupted call
resumes.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from kills import finish, pes_explore, started, tables

from explorer.active_learning.cached import cached
from explorer.files import write_json

RECIPE = """
seed = 1
temperatures = [300, 1000]
n_walkers = 4
n_snapshots = 12
n_driven = 4
n_relaxations = 2
n_relaxation = 8
relaxation_stride = 3
n_dynamics = 1
n_steps = 12
n_equilibration = 0
stride = 6

[[molecule]]
name = "fluoropropanol"
smiles = "OCCCF"
n_starts = 12
"""
NETWORK = """
[model]
n_features = 16
n_heads = 2
degrees = [1, 2]
n_layers = 1
n_radial = 8
n_members = 4
electrostatics = false
charge_spin_embedding = false

[fit]
epochs = 12
decay_epochs = 6
"""
SEARCH = ("--potential", "lennard-jones", "--max-evaluations", "2000")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that is killed and given again.

    Attributes:
        name: Name of the command, and of its result in the folder of work.
        arguments: Arguments before `--out`.
        n_kills: Number of kills.
        result: Reads what must not depend on the kills.
        suffix: Suffix of a result that is a file.
    """

    name: str
    arguments: tuple[Any, ...]
    n_kills: int
    result: Callable[[Path], Any]
    suffix: str = ""

    def writing(self, out: Path) -> list[str]:
        """Return the command that writes to a file or folder."""
        return pes_explore(self.name, *self.arguments, "--out", out)


def commands(work: Path) -> list[Command]:
    """Return the commands in an order in which each finds its input.

    Args:
        work: Folder of work, to which recipe and settings are written.
    """
    recipe, network = work / "recipe.toml", work / "network.toml"
    recipe.write_text(RECIPE)
    network.write_text(NETWORK)
    return [
        Command(name="label", suffix=".npz", arguments=("--recipe", recipe), n_kills=4, result=arrays),
        Command(name="train", arguments=(work / "label.npz", "--config", network), n_kills=4, result=parameters),
        Command(name="merge", arguments=(work / "run", work / "other-run"), n_kills=6, result=tables),
    ]


def arrays(file: Path) -> dict[str, Any]:
    """Return all arrays of an npz file."""
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name].tolist() for name in sorted(stored.files)}


def parameters(folder: Path) -> bytes:
    """Return the parameters of a model as they are stored."""
    return (folder / "parameters.safetensors").read_bytes()


def searched(work: Path) -> None:
    """Make the runs of a cluster that are merged."""
    cluster = work / "cluster.xyz"
    positions = 1.1 * np.random.default_rng(3).permutation(np.argwhere(np.ones((2, 2, 2))))[:7]
    cluster.write_text("\n".join(["7", "", *(f"Ar {x:.3f} {y:.3f} {z:.3f}" for x, y, z in positions)]) + "\n")
    for seed, name in ((1, "run"), (2, "other-run")):
        finish(pes_explore("run", cluster, *SEARCH, "--seed", seed, "--out", work / name), work / f"{name}.log")


def kill_and_repeat(command: Command, work: Path, duration: float) -> dict[str, Any]:
    """Kill a command at random moments, let it end, and compare its result with that of the one never killed."""
    dice, log = random.Random(command.name), work / f"killed-{command.name}.log"
    out, whole = (work / f"{name}{command.suffix}" for name in (f"killed-{command.name}", command.name))
    delays, n_killed, code = [], 0, -signal.SIGKILL
    while code == -signal.SIGKILL and n_killed < command.n_kills:
        delays.append(round(dice.uniform(0, duration / command.n_kills), 2))  # something is left to do
        process = started(command.writing(out), log)
        try:
            process.wait(delays[-1])
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        code = process.wait()
        n_killed += code == -signal.SIGKILL
    if code == -signal.SIGKILL:
        finish(command.writing(out), log)
    return {
        "command": command.name,
        "seconds_without_kill": round(duration, 1),
        "seconds_until_kill": delays,
        "n_killed": n_killed,
        "same_result": command.result(out) == command.result(whole),
    }


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    work = given.work
    work.mkdir(parents=True, exist_ok=True)
    results = []
    for command in commands(work):
        if command.name == "merge" and not (work / "other-run" / "index.html").exists():
            searched(work)
        whole, log = work / f"{command.name}{command.suffix}", work / f"{command.name}.log"
        lasted = cached(work / f"{command.name}.json", lambda c=command, w=whole, g=log: {"s": finish(c.writing(w), g)})
        compute = partial(kill_and_repeat, command, work, lasted["s"])
        results.append(cached(work / f"killed-{command.name}.json", compute))
        print(results[-1], file=sys.stderr, flush=True)
        write_json({"commands": results, "n_kills": sum(one["n_killed"] for one in results)}, given.out)


if __name__ == "__main__":
    main()
