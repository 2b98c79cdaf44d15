"""A run of a Lennard-Jones cluster that holds one minimum, from which its landscape is to be found."""

from pathlib import Path

import numpy as np

from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.minimum import Minimum
from explorer.records.run import Round, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.relaxation.tight import TightRelaxer
from explorer.store.read import read_run
from explorer.store.store import Store


def cluster_record(n_atoms: int, seed: int = 0) -> RunRecord:
    """The minimum below a random start.

    Args:
        n_atoms: Number of atoms.
        seed: Seed of the start.
    """
    molecule, settings = random_cluster(n_atoms, seed), Settings()
    relaxed = TightRelaxer(molecule, lennard_jones(), settings)(np.asarray(molecule.positions)[None])
    first = Minimum(
        id=0,
        energy=float(relaxed.energy[0]),
        positions=relaxed.positions[0] - relaxed.positions[0].mean(axis=0),
        structure_class=StructureClass.INTACT,
        fmax=float(relaxed.fmax[0]),
        n_evaluations=1,
        round=0,
    )
    return RunRecord(molecule=molecule, config={}, provenance={}, minima=(first,), hops=(), rounds=(), visits={0: 1})


def write_cluster_run(folder: Path, n_atoms: int) -> RunRecord:
    """Write the run into a folder, and return it.

    Args:
        folder: New folder.
        n_atoms: Number of atoms.
    """
    record, settings = cluster_record(n_atoms), Settings(potential="lennard-jones")
    provenance = {"potential_digest": "", "potential": settings.potential}
    folder.mkdir(parents=True, exist_ok=True)
    with Store.begin(folder / "run.sqlite", record.molecule, to_dict(settings), provenance) as store:
        store.commit(
            Round(
                index=0,
                minima=record.minima,
                hops=(),
                walkers={},
                n_evaluations=30,
                wall_seconds=1.0,
                potential_seconds=1.0,
            )
        )
        store.finish("limit of force calls")
    return read_run(folder)
