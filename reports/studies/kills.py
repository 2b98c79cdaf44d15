"""Accidents: kills in every phase of a run, second writers, full disks and read-only folders.

    python reports/studies/kills.py --work runs/kills --out reports/bench/kills.json
    python reports/studies/kills.py --surfaces lennard-jones --work runs/kills --out try.json
    python reports/studies/kills.py --so3lr models/so3lr --work runs/kills --out reports/bench/kills.json

A chain is one run that is killed again and again at random times (SIGKILL): while its programs compile and its input
relaxes, between and during rounds, while the report is written, in `certify` and in `connect`. After every kill the
same command continues. All tables of the database, without times, must then equal those of a run that was never killed.
Everything runs on one core. Finished parts are kept in the folder of work, so an interrupted call resumes.
Full disks and read-only folders are mounts in a namespace of their own (`unshare`), which works without privileges.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.errors import StoreError
from explorer.files import write_json
from explorer.landscape.graph import minima_graph
from explorer.store.database import RUN_FILE_NAME
from explorer.store.read import read_run

TIMEOUT = 900.0  # s, of a command
KILLS = {"start": 2, "rounds": 3, "report": 2, "certify": 2, "connect": 1}  # in each chain, in this order
SEARCH_KILLS = {"start": 3, "rounds": 4, "report": 3}
FEW_KILLS = {"start": 1, "rounds": 2, "report": 1}  # with a large model
MARKS = {"start": "Compiling the programs", "report": "riting the report"}  # of standard error, where a phase begins
REFUSAL = "being written by another process"
FULL_DISK = """
mount -t tmpfs -o size=$1 none "$2" && cp -a "$3"/. "$2" && folder=$2 copy=$4 && shift 4
"$@"; code=$?; cp -a "$folder"/. "$copy"; exit $code
"""
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A potential, and the runs that are killed on it.

    Attributes:
        name: Name in the result.
        start: Arguments of `pes-explore run`, without the folder.
        n_chains: Number of runs that are killed.
        kills: Number of kills in each phase of a chain.
    """

    name: str
    start: tuple[str, ...]
    n_chains: int = 1
    kills: tuple[tuple[str, int], ...] = tuple(KILLS.items())

    def command(self, phase: str, folder: Path) -> list[str]:
        """Return the command of a phase; a search that is stored is continued."""
        if phase in ("certify", "connect"):
            return pes_explore(phase, folder)
        if (folder / RUN_FILE_NAME).exists():
            return pes_explore("run", "--resume", folder)
        return pes_explore("run", *self.start, "--out", folder)


def surfaces(work: Path, so3lr: Path | None) -> list[Surface]:
    """Return the surfaces, and write the clusters to the folder of work.

    Args:
        work: Folder of work.
        so3lr: Folder of the published SO3LR model, if it is there.
    """
    rng = np.random.default_rng(3)
    corners = np.stack(np.meshgrid(*[np.arange(2)] * 3), axis=-1).reshape(-1, 3)
    for element, spacing in (("Ar", 1.1), ("Cu", 2.6)):
        positions = spacing * (rng.permutation(corners)[:7] + rng.uniform(-0.1, 0.1, (7, 3)))
        lines = [f"{element} {x:.6f} {y:.6f} {z:.6f}" for x, y, z in positions]
        (work / f"{element}7.xyz").write_text("\n".join(["7", "", *lines]) + "\n")
    peptide = ("--smiles", "CC(=O)NC(C)C(=O)NC", "--set", "training_frames=30")
    emt = ("--potential", "ase:ase.calculators.emt:EMT", "--max-evaluations", "1500")
    all_of_them = [
        Surface(
            name="lennard-jones",
            start=(str(work / "Ar7.xyz"), "--potential", "lennard-jones", "--max-evaluations", "20000"),
            n_chains=2,
        ),
        Surface(name="emt", start=(str(work / "Cu7.xyz"), *emt), n_chains=2, kills=tuple(SEARCH_KILLS.items())),
        Surface(
            name="network",
            start=(*peptide, "--max-evaluations", "3000"),
            n_chains=2,
            kills=tuple(SEARCH_KILLS.items()),
        ),
    ]
    if so3lr is not None:
        start = (*peptide[:2], "--potential", f"so3lr:{so3lr.resolve()}", "--max-evaluations", "600")
        all_of_them.append(Surface(name="so3lr", start=start, kills=tuple(FEW_KILLS.items())))
    return all_of_them


def pes_explore(*arguments: Any) -> list[str]:
    """Return a command line."""
    return [sys.executable, "-m", "cli", *map(str, arguments)]


def on_one_core() -> None:
    """Keep a new process on one core, on which sums have one order."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def started(command: Sequence[str], log: Path) -> subprocess.Popen:
    """Start a command whose standard error goes to a file."""
    with log.open("w") as stream:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream, preexec_fn=on_one_core)


def finish(command: Sequence[str], log: Path) -> float:
    """Run a command to its end, and return its time, s.

    Raises:
        RuntimeError: If it fails.
    """
    began = time.monotonic()
    process = started(command, log)
    if process.wait(TIMEOUT) != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{log.read_text()[-2000:]}")
    return time.monotonic() - began


def n_rounds(folder: Path) -> int:
    """Return the number of stored rounds."""
    file = folder / RUN_FILE_NAME
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT COUNT(*) FROM round").fetchone()[0]
    except sqlite3.OperationalError:  # the journal of a killed process is still to be rolled back
        return 0


def tables(folder: Path) -> dict[str, list[tuple]]:
    """Return all rows of a run by table, without times, provenance and checksums."""
    read_run(folder)  # rolls back the journal of a killed process and verifies the checksums
    found = {}
    with closing(sqlite3.connect(folder / RUN_FILE_NAME)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted({*names} - {"run", "checksum"}):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})") if "seconds" not in row[1]]
            chosen = ", ".join(f'"{column}"' for column in columns)
            found[name] = sorted(connection.execute(f"SELECT {chosen} FROM {name}"), key=repr)
    return found


def wait_for(phase: str, process: subprocess.Popen, log: Path, folder: Path, rounds_before: int) -> None:
    """Wait until a process has begun a phase, or has ended."""
    while process.poll() is None:
        if phase in ("certify", "connect"):
            return
        if n_rounds(folder) > rounds_before if phase == "rounds" else MARKS[phase] in log.read_text():
            return
        time.sleep(0.02)


def measure(surface: Surface, folder: Path) -> dict[str, float]:
    """Make the run that is never killed, and return the durations of its phases, s."""
    log, began = folder.with_suffix(".log"), time.monotonic()
    process = started(surface.command("rounds", folder), log)
    times = {}
    for phase in ("start", "rounds", "report"):
        wait_for(phase, process, log, folder, 0)
        times[phase] = time.monotonic() - began
    if process.wait(TIMEOUT) != 0:
        raise RuntimeError(log.read_text()[-2000:])
    ends = [*list(times.values())[1:], time.monotonic() - began]
    durations = {phase: end - times[phase] for phase, end in zip(times, ends, strict=True)}
    for phase in ("certify", "connect"):
        if phase in dict(surface.kills):
            durations[phase] = finish(surface.command(phase, folder), log)
    return durations


def run_chain(surface: Surface, whole: Path, folder: Path, durations: dict[str, float], seed: str) -> dict[str, Any]:
    """Kill a run in every phase and continue it, then compare it with the run that was never killed."""
    dice, log, kills = random.Random(seed), folder.with_suffix(".log"), []
    for phase, n in surface.kills:
        for _ in range(n):
            before = n_rounds(folder)
            process = started(surface.command(phase, folder), log)
            wait_for(phase, process, log, folder, before)
            share = 0.3 if phase == "rounds" else 0.9  # of the phase, so that something is left
            delay = dice.uniform(0, share * durations[phase])
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
            code = process.wait()
            kills.append({"phase": phase, "delay_s": round(delay, 2), "killed": code == -signal.SIGKILL})
            kills[-1]["rounds_before_and_after"] = (before, n_rounds(folder))
        if phase in ("report", "certify", "connect"):
            finish(surface.command(phase, folder), log)
    one, other = tables(whole), tables(folder)
    graphs = [minima_graph(read_run(run)) for run in (whole, folder)]
    return {
        "surface": surface.name,
        "kills": kills,
        "n_killed": sum(kill["killed"] for kill in kills),
        "n_minima": len(one["minimum"]),
        "n_hops": len(one["hop"]),
        "n_saddles": len(one["transition_state"]),
        "different_tables": [name for name in one if one[name] != other[name]],
        "same_graph": set(graphs[0].edges(keys=True)) == set(graphs[1].edges(keys=True)),
        "left_over_files": sorted({p.name for p in folder.iterdir()} - {p.name for p in whole.iterdir()}),
    }


def try_second_writers(surface: Surface, whole: Path, work: Path, n: int) -> dict[str, Any]:
    """Let second commands try to write runs that are being written, and compare these with the one never disturbed."""
    attempts, different, k = [], [], 0
    before = tables(whole)
    while len(attempts) < n:
        folder, log = work / f"writers-{k}", work / f"writers-{k}.log"
        first = started(surface.command("rounds", folder), log)
        wait_for("rounds", first, log, folder, 0)
        while first.poll() is None and len(attempts) < n:
            kinds = (("run", "--resume", folder), ("certify", folder), ("connect", folder))
            kinds += (("run", *surface.start, "--out", folder, "--force"),)
            chosen, began = kinds[len(attempts) % len(kinds)], time.monotonic()
            second = subprocess.run(pes_explore(*chosen), capture_output=True, text=True, timeout=TIMEOUT, check=False)
            is_refused = second.returncode == 1 and REFUSAL in second.stderr
            if first.poll() is None or is_refused:  # otherwise the first run had ended
                attempts.append({"command": chosen[0] + (" --resume" if "--resume" in chosen else "")})
                attempts[-1] |= {"refused": is_refused, "seconds": round(time.monotonic() - began, 1)}
        if first.wait(TIMEOUT) != 0:
            different.append(f"{folder.name}: exit code {first.returncode}")
        after = tables(folder)
        searched = ("molecule", "minimum", "hop", "walker", "round")
        different += [f"{folder.name}: {name}" for name in searched if before[name] != after[name]]
        k += 1
    refused = sum(attempt["refused"] for attempt in attempts)
    return {"attempts": attempts, "n": len(attempts), "n_refused": refused, "n_first_runs": k, "harmed": different}


def fail_to_write(surface: Surface, whole: Path, work: Path, k: int, is_full: bool) -> dict[str, Any]:
    """Let a command write to a full disk or a read-only folder, and check that the old run is still there."""
    dice, here = random.Random(f"fault {k}"), work / f"{'full' if is_full else 'read-only'}-{k}"
    old, mounted, copy = here / "old", here / "mounted", here / "copy"
    for folder in (old, mounted, copy):
        folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", f"{whole}/.", str(old)], check=True)
    target = mounted if is_full else old
    kinds: tuple[tuple[Any, ...], ...] = (
        ("run", "--resume", target, "--max-evaluations", "20500"),
        ("run", *surface.start[:-1], "500", "--out", target, "--force"),
        ("report", target),
        ("certify", target, "--full", "1000"),
        ("export", target, "--format", "csv", "--out", target / "minima.csv"),
    )
    command = pes_explore(*kinds[k % len(kinds)])
    used = sum(4096 * -(-path.stat().st_size // 4096) for path in old.iterdir())
    free = 4096 * dice.randint(1, 40)
    if is_full:
        wrapped = ["sh", "-c", FULL_DISK, "sh", f"{used + free}", str(mounted), str(old), str(copy), *command]
    else:
        wrapped = ["sh", "-c", READ_ONLY, "sh", str(old), *command]
    result = subprocess.run(
        ["unshare", "-rm", *wrapped],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        preexec_fn=on_one_core,
        check=False,
    )
    return {
        "fault": "full disk" if is_full else "read-only folder",
        "command": kinds[k % len(kinds)][0],
        "free_bytes": free if is_full else 0,
        "exit_code": result.returncode,
        "traceback": "Traceback" in result.stderr,
        "message": result.stderr.strip().split("\n")[-1][-300:].replace(f"{here}/", "") if result.returncode else "",
        "lost": lost(whole, copy if is_full else old),
    }


def lost(before: Path, after: Path) -> list[str]:
    """Return what a run had before and has no longer: rows of tables, and files that are not whole."""
    try:
        one, other = tables(before), tables(after)
    except StoreError as error:
        return [str(error)]
    missing = [name for name in ("molecule", "minimum", "hop") if not {*one[name]} <= {*other[name]}]
    ends = {"index.html": "</html>", "summary.json": "}", "config.toml": "", "minima.extxyz": ""}
    for name, end in ends.items():
        text = (after / name).read_text().rstrip() if (after / name).exists() else ""
        if not text or not text.endswith(end):
            missing.append(name)
    return missing


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surfaces", nargs="*", help="names of the surfaces (all)")
    parser.add_argument("--collect", action="store_true", help="start nothing; write what the folder of work has")
    parser.add_argument("--so3lr", type=Path, help="folder of the published SO3LR model (left out)")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    chosen = [s for s in surfaces(given.work, given.so3lr) if not given.surfaces or s.name in given.surfaces]
    result: dict[str, Any] = {"chains": [], "faults": []}

    def keep(name: str, compute: Callable[[], Any]) -> Any:
        file = given.work / f"{name}.json"
        if given.collect and not file.exists():
            return None
        done = cached(file, compute)
        print(f"{name}: {done}", file=sys.stderr, flush=True)
        return done

    for surface in chosen:
        whole = given.work / f"{surface.name}-whole"
        durations = keep(f"{surface.name}-durations", lambda s=surface, w=whole: measure(s, w))
        for k in range(surface.n_chains):
            name = f"{surface.name}-{k}"
            folder = given.work / name
            chain = keep(name, lambda s=surface, w=whole, f=folder, d=durations, n=name: run_chain(s, w, f, d, n))
            result["chains"] += [chain] if chain else []
            write_json(result, given.out)
    first = chosen[0]
    whole = given.work / f"{first.name}-whole"
    result["second_writers"] = keep("second-writers", lambda: try_second_writers(first, whole, given.work, 20))
    for k in range(20):
        fault = keep(f"fault-{k}", lambda k=k: fail_to_write(first, whole, given.work, k // 2, k % 2 == 0))
        result["faults"] += [fault] if fault else []
    chains = result["chains"]
    result["n_kills"] = sum(chain["n_killed"] for chain in chains)
    result["n_identical_chains"] = sum(chain["same_graph"] and not chain["different_tables"] for chain in chains)
    result["n_faults_with_loss"] = sum(bool(fault["lost"] or fault["traceback"]) for fault in result["faults"])
    write_json(result, given.out)
    print({name: result[name] for name in ("n_kills", "n_identical_chains", "n_faults_with_loss")})


if __name__ == "__main__":
    main()
