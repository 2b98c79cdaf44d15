"""Recovery of the intact part of a damaged run."""

from pathlib import Path

from explorer.config_file import to_toml
from explorer.files import write_text
from explorer.store.damage import Damage
from explorer.store.database import RUN_FILE_NAME
from explorer.store.export import export_minima_extxyz
from explorer.store.recover import recover
from explorer.workflows.outputs import CONFIG_FILE_NAME, MINIMA_FILE_NAME
from explorer.workflows.session import Session


def recover_run(run: Path, out: Path) -> tuple[Session, Damage]:
    """Store what is intact in a damaged run as a new run, and write its settings and minima.

    Args:
        run: Folder of the damaged run.
        out: Folder of the new run.

    Returns:
        The new run, and the damage of the old one.

    Raises:
        StoreError: When no damage is found, when nothing can be saved, or when the new run cannot be written.
    """
    damage = recover(run, out / RUN_FILE_NAME)
    session = Session.open(out)
    write_text(to_toml(session.settings), out / CONFIG_FILE_NAME)
    export_minima_extxyz(session.record, out / MINIMA_FILE_NAME)
    return session, damage
