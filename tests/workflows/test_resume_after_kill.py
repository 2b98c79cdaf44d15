"""A run that is killed at random moments and resumed ends with the minima of an uninterrupted run."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from explorer.landscape.graph import minima_graph
from explorer.store.read import read_run

CONFIG = """
potential = "lennard-jones"
[budget]
minutes = 0.0
evaluations = 120000
"""


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "cli", "run", *map(str, arguments)]


def n_rounds(folder: Path) -> int:
    """Rounds that are stored."""
    return len(read_run(folder).rounds) if (folder / "run.sqlite").exists() else 0


def wait_for_rounds(process: subprocess.Popen, folder: Path, more: int) -> None:
    """Until a search has stored so many more rounds, or has ended."""
    wanted = n_rounds(folder) + more
    while process.poll() is None and n_rounds(folder) < wanted:
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_graph(tmp_path):
    rng = np.random.default_rng(3)
    places = np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)  # no two at the same place
    positions = 1.1 * rng.permutation(places)[:13] + rng.uniform(-0.1, 0.1, (13, 3))
    lines = [f"Ar {x:.6f} {y:.6f} {z:.6f}" for x, y, z in positions]
    (tmp_path / "lj13.xyz").write_text("\n".join(["13", "", *lines]) + "\n")
    (tmp_path / "run.toml").write_text(CONFIG)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    start = (tmp_path / "lj13.xyz", "--config", tmp_path / "run.toml", "--out")
    subprocess.run(command(*start, whole), check=True, capture_output=True, timeout=600)

    dice = random.Random(7)
    arguments = command(*start, broken)
    acknowledged: set[float] = set()
    n_interrupted = 0
    for _ in range(5):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_rounds(process, broken, dice.randint(1, 40))
        time.sleep(dice.uniform(0, 0.2))  # anywhere in a round, also between two commits
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if (broken / "run.sqlite").exists():
            record = read_run(broken)
            n_interrupted += not record.finished
            energies = {m.energy for m in record.minima}
            assert acknowledged <= energies
            acknowledged = energies
            arguments = command("--resume", broken)
    assert n_interrupted >= 3  # most kills hit a search, not its start or its end
    subprocess.run(command("--resume", broken), check=True, capture_output=True, timeout=600)

    one, other = read_run(whole), read_run(broken)
    assert [m.energy for m in one.minima] == [m.energy for m in other.minima]
    assert one.hops == other.hops
    assert set(minima_graph(one).edges) == set(minima_graph(other).edges)
