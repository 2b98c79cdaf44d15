"""Certification of a run: its minima are tested one batch after the other, and what comes out is stored."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.potential.load import potential_of
from explorer.records.certificates import StationaryPointType
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.vibrations.certifier import Certifier
from explorer.workflows.run import require_same_model

BATCH = 16  # minima between two commits


def certify_run(out: Path, n_full: int, progress: Callable[[int, int], None], stop: Callable[[], bool]) -> int:
    """Certify the minima of a run that have no certificate yet, lowest first; each batch is stored when it is done.

    Args:
        out: folder of the run.
        n_full: of so many lowest conformers all vibrations are computed.
        progress: called with (done, total).
        stop: asked after every batch.

    Returns:
        How many are left.

    Raises:
        InputError: when the model is not the one that the run was made with.
    """
    record = read_run(out)
    wanted, full = to_certify(record, n_full)
    if not wanted:
        return 0
    certifier = certifier_of(record)
    with Store.resume(out / FILE_NAME) as store:
        for start in range(0, len(wanted), BATCH):
            group = wanted[start : start + BATCH]
            store.save_certificates(*certifier.certify(group, np.array([m.id in full for m in group])))
            progress(start + len(group), len(wanted))
            if stop():
                return len(wanted) - start - len(group)
    return 0


def to_certify(record: RunRecord, n_full: int) -> tuple[list[Minimum], set[int]]:
    """Minima without a certificate, or without all vibrations where these are wanted, by energy; ids of the latter."""
    by_energy = sorted(record.minima, key=lambda m: (m.energy, m.id))
    full = {m.id for m in [m for m in by_energy if m.structure_class.is_conformer][:n_full]}
    done = {c.minimum: c for c in record.certificates}
    partly = {
        i
        for i in full & set(done)
        if done[i].point_type == StationaryPointType.MINIMUM and not len(done[i].wavenumbers)
    }
    return [m for m in by_energy if m.id not in done or m.id in partly], full


def certifier_of(record: RunRecord) -> Certifier:
    """What tests the minima of a run on its own surface, in float64.

    Raises:
        InputError: when the model is not the one that the run was made with.
    """
    settings: Settings = replace(with_overrides(Settings(), record.config), precision="float64")
    potential, info = potential_of(settings, record.molecule)
    require_same_model(record, info)
    return Certifier(record.molecule, record.minima, potential, settings)
