"""Experiment on a user's own data: frames at 500 K, labels, training from scratch, search, and comparison.

python reports/studies/own_data.py ac-ala3-nhme --work runs/own-data --out reports/bench/own-data.json

Trajectories at constant temperature with the sampling model give frames, whose labels are from the reference method.
Everything after them is a public command with public formats: `label`, `train`, `run` and `compare --training`. At the
end, minima that no training frame leads to (found and new) and others (found and known) are relaxed with the reference
method. A minimum stays when its heavy atoms move by less than 0.25 Å (RMSD). Finished steps are kept in the folder of
the work, so an interrupted call resumes.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ase.io
import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from jaxtyping import Float

from cli.shipped import find_input
from explorer.config import RelaxSettings
from explorer.dataset.label import reference_calculator
from explorer.devices import configure_jax
from explorer.dynamics.batch import advance_trajectories, start_trajectories
from explorer.dynamics.velocities import masses_of
from explorer.files import write_atomically, write_json
from explorer.io.source import load_molecule
from explorer.potential.capacity import with_more_capacity
from explorer.potential.load import load_potential
from explorer.records.comparisons import SAME_CONFORMER
from explorer.records.molecule import Molecule
from explorer.relaxation.reference import ReferenceRelaxer, relax_or_none
from explorer.relaxation.relaxer import Status, make_relaxer, relax_many
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import symmetry_of
from explorer.system import system_of
from explorer.workflows.session import Session

_HYDROGEN_MASS = 1.008  # amu
_TIME_STEP = 1.0  # fs; not tuned
_FRICTION = 2e-3  # 1/fs; not tuned
_EQUILIBRATION_BLOCKS = 25
_GROUPS = ("found_and_new", "found_and_known", "known_and_missed")


def trajectory_frames(
    molecule: Molecule, model: str, temperature: float, n_frames: int, n_trajectories: int, stride: int
) -> Float[np.ndarray, "n_frames N 3"]:
    """Return frames of trajectories with a thermostat, one trajectory after the other.

    Args:
        molecule: Molecule; its relaxed positions are the start of all trajectories.
        model: Name of the model of the dynamics.
        temperature: K.
        n_frames: Number of frames.
        n_trajectories: Number of trajectories.
        stride: Steps of 1 fs between two frames of a trajectory.
    """
    potential, _ = load_potential(model, molecule)
    system = system_of(molecule)
    relaxed = relax_many(potential, make_relaxer(molecule, RelaxSettings()), system, molecule.positions[None])
    masses = jnp.asarray(masses_of(molecule, _HYDROGEN_MASS), system.positions.dtype)
    temperatures = np.full(n_trajectories, temperature)
    start = np.asarray(relaxed.positions[0], float)
    # half of the kinetic energy becomes potential energy
    batch = start_trajectories(start, masses, temperatures, 2 * temperatures, _FRICTION, jax.random.key(0))
    blocks: list[np.ndarray] = []
    n_blocks = -(-n_frames // n_trajectories)
    while len(blocks) < _EQUILIBRATION_BLOCKS + n_blocks:
        moved, averages = advance_trajectories(potential, system, masses, batch, _TIME_STEP, stride)
        if np.asarray(averages.overflow).any():
            potential = with_more_capacity(potential, np.asarray(batch.positions, float))
            continue
        batch = moved
        blocks.append(np.asarray(batch.positions, float))
        if len(blocks) % 50 == 0:
            print(f"{len(blocks)} of {_EQUILIBRATION_BLOCKS + n_blocks} blocks", file=sys.stderr, flush=True)
    frames = np.stack(blocks[_EQUILIBRATION_BLOCKS:], axis=1)  # trajectory, block, atom, component
    return frames.reshape(-1, *frames.shape[2:])[:n_frames]


def write_frames(path: Path, molecule: Molecule, frames: Float[np.ndarray, "n N 3"]) -> None:
    """Write structures without labels as extended XYZ."""
    info = {"charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
    atoms = [Atoms(molecule.atomic_numbers, positions=positions, info=dict(info)) for positions in frames]
    with write_atomically(path) as temporary:
        ase.io.write(temporary, atoms, format="extxyz")


def run_command(*arguments: object) -> None:
    """Run a command of `pes-explore` and show its output."""
    words = [str(argument) for argument in arguments]
    print("pes-explore", *words, file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, "-m", "cli", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def measure(molecule: Molecule, given: argparse.Namespace) -> dict[str, Any]:
    """Make what is missing, and return the figures.

    Args:
        molecule: Molecule of the experiment.
        given: Options of the command line.
    """
    work: Path = given.work
    frames, labelled, model, run = work / "frames.xyz", work / "labelled.extxyz", work / "model", work / "run"
    work.mkdir(parents=True, exist_ok=True)
    if not frames.is_file():
        write_frames(frames, molecule, trajectory_frames(
            molecule, given.sampler, given.temperature, given.frames, given.trajectories, given.stride
        ))  # fmt: skip
    if not labelled.is_file():
        run_command("label", frames, "--out", labelled, "--reference", given.reference)
    if not (model / "errors.json").is_file():
        run_command("train", labelled, "--out", model, *_settings(given.fit))
    if not (run / "summary.json").is_file():
        searched = ("--resume", run) if (run / "run.sqlite").is_file() else (given.molecule, "--out", run)
        run_command("run", *searched, "--potential", model, "--max-evaluations", given.evaluations, "--seed", 1)
    compared = work / "compared.json"
    if not compared.is_file():
        run_command("compare", run, "--training", labelled, "--frames", given.compared, "--out", compared)
    comparison = json.loads(compared.read_text())
    return {
        "molecule": molecule.name,
        "frames": given.frames,
        "temperature": given.temperature,
        "reference": given.reference,
        "errors": json.loads((model / "errors.json").read_text()),
        "n_training_frames_relaxed": comparison["n_relaxed"],
        "numbers": {group: len(comparison[group]) for group in _GROUPS},
        "under_reference": {
            group: under_reference(
                run, given.reference, [one["id"] for one in comparison[group]], given.validated, work / "reference.json"
            )
            for group in _GROUPS[:2]
        },
        "comparison": comparison,
    }


def under_reference(run: Path, reference: str, ids: Sequence[int], n: int, kept: Path) -> dict[str, Any]:
    """Return how many minima of a group stay the same conformer with the reference method.

    Args:
        run: Folder of the run.
        reference: Reference method.
        ids: Minima of the group, in order of energy.
        n: Number of them to relax at most, spread evenly over the energies.
        kept: File of what is relaxed already.
    """
    if not ids:
        return {"n": 0, "n_converged": 0, "n_stayed": 0}
    minima = Session.open(run)
    chosen = [ids[k] for k in np.unique(np.linspace(0, len(ids) - 1, n).round().astype(int))]
    relaxed: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    for id in chosen:
        if str(id) not in relaxed:
            relaxed[str(id)] = _relaxed(minima, reference, id)
            write_json(relaxed, kept)
            print(f"minimum {id} with {reference}: {relaxed[str(id)]}", file=sys.stderr, flush=True)
    converged = [id for id in chosen if relaxed[str(id)] is not None]
    rmsd, reference_energy = np.array([relaxed[str(id)] for id in converged]).reshape(-1, 2).T
    energy = np.array([minima.record.minima[id].energy for id in converged])
    difference = (energy - energy.mean()) - (reference_energy - reference_energy.mean())
    return {
        "n": len(chosen),
        "n_converged": len(converged),
        "n_stayed": int((rmsd < SAME_CONFORMER).sum()),
        "median_rmsd": float(np.median(rmsd)),
        "energy_mae": float(np.abs(difference).mean()),
        "ids": converged,
        "rmsd": rmsd.tolist(),
    }


def _relaxed(session: Session, reference: str, id: int) -> tuple[float, float] | None:
    """RMSD (Å) and energy (eV) of a minimum after relaxation with the reference; None where it does not converge."""
    molecule, start = session.record.molecule, session.record.minima[id].positions
    relax = ReferenceRelaxer(molecule, session.settings.relax, reference_calculator(reference))
    result = relax_or_none(relax, start)
    if result is None or result.status != Status.CONVERGED:
        return None
    return heavy_rmsd(symmetry_of(molecule), start, result.positions), float(result.energy)


def _settings(assignments: Sequence[str]) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("molecule", help="name of a shipped peptide, or a file")
    parser.add_argument("--sampler", default="default", help="model of the dynamics")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--temperature", type=float, default=500.0)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--trajectories", type=int, default=4)
    parser.add_argument("--stride", type=int, default=40, help="fs between frames of a trajectory")
    parser.add_argument("--fit", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the training")
    parser.add_argument("--evaluations", type=int, default=20000, help="force calls of the search")
    parser.add_argument("--compared", default="all", help="training frames to relax: a number, or all")
    parser.add_argument("--validated", type=int, default=40, help="minima of each group to relax with the reference")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    molecule = load_molecule(find_input(given.molecule))
    write_json(measure(molecule, given), given.out)


if __name__ == "__main__":
    main()
