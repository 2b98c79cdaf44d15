"""Stability of dynamics with a model: drift of the total energy and first broken bond.

python reports/studies/stability.py data/peptides/ac-ala3-nhme.pdb --out reports/bench/stability.json
python reports/studies/stability.py EAL --thermostat --temperature 300 --picoseconds 100 --out eal-300.json
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from explorer.config import RelaxSettings
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.io.build import from_sequence
from explorer.io.read import read_molecule
from explorer.potential.load import load_potential
from explorer.records.molecule import Molecule
from explorer.records.trajectories import StabilitySettings, ThermodynamicEnsemble, Trajectory
from explorer.relaxation.relaxer import make_relaxer, relax_many
from explorer.system import system_of
from explorer.workflows.stability import follow


def measure(molecule: Molecule, model: str, settings: StabilitySettings) -> dict:
    """Return the drift of the total energy (meV per atom over the whole time) and the first broken bond of each copy.

    Args:
        molecule: Start structure, which is relaxed first.
        model: Name of the model.
        settings: Settings of the trajectories.
    """
    potential, info = load_potential(model, molecule)
    relaxed = relax_many(
        potential, make_relaxer(molecule, RelaxSettings()), system_of(molecule), molecule.positions[None]
    )
    trajectories = follow(potential, molecule, (0, np.asarray(relaxed.positions[0], float)), settings, _report)
    return {
        "model": model,
        "digest": info.digest,
        "molecule": molecule.name,
        "copies": settings.n_seeds,
        "ensemble": str(settings.ensembles[0]),
        "temperature": settings.temperatures[0],
        "picoseconds": settings.picoseconds,
        "time_step_fs": settings.time_step,
        "mean_temperature": float(np.nanmean([one.mean_temperature for one in trajectories])),
        **_conservation(settings, trajectories),
        "failures": [f"{one.picoseconds:.1f} ps: {one.reason}" if one.failure else "" for one in trajectories],
    }


def _conservation(settings: StabilitySettings, trajectories: Sequence[Trajectory]) -> dict[str, list[float]]:
    """Return drift and fluctuation of the total energy, except with a thermostat."""
    if settings.ensembles[0] == ThermodynamicEnsemble.THERMOSTATTED:
        return {}
    return {
        "drift_meV_per_atom": [one.drift * one.picoseconds for one in trajectories],
        "fluctuation_meV_per_atom": [one.fluctuation for one in trajectories],
    }


def _report(done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        print(f"{done} of {total} blocks", file=sys.stderr)


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("molecule", help="a file, or the sequence of a capped peptide")
    parser.add_argument("--model", default="default")
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--picoseconds", type=float, default=20)
    parser.add_argument("--temperature", type=float, default=500)
    parser.add_argument("--thermostat", action="store_true")
    parser.add_argument("--time-step", type=float, default=0.5)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    configure_jax()
    path = Path(arguments.molecule)
    molecule = read_molecule(path) if path.suffix else from_sequence(arguments.molecule)
    ensemble = ThermodynamicEnsemble.THERMOSTATTED if arguments.thermostat else ThermodynamicEnsemble.CONSTANT_ENERGY
    settings = StabilitySettings(
        picoseconds=arguments.picoseconds,
        temperatures=(arguments.temperature,),
        ensembles=(ensemble,),
        n_seeds=arguments.copies,
        time_step=arguments.time_step,
    )
    result = measure(molecule, arguments.model, settings)
    print(write_json(result, arguments.out).read_text(), end="")


if __name__ == "__main__":
    main()
