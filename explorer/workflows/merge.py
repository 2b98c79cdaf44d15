"""Merging of the runs of several folders into one run."""

from collections.abc import Sequence
from pathlib import Path

from explorer.comparison.merge import merge_runs, merged_config, merged_provenance
from explorer.config_file import stored_settings, to_dict, to_toml
from explorer.errors import InputError
from explorer.files import write_text
from explorer.store.database import RUN_FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.workflows.outputs import CONFIG_FILE_NAME


def merge_folders(folders: Sequence[Path], out: Path) -> None:
    """Store the runs of several folders as one run and write its `config.toml`.

    Args:
        folders: Folders of different runs of one molecule on one surface.
        out: Folder of the merged run.

    Raises:
        InputError: When the runs differ in molecule, model or identity settings.
        StoreError: When one is missing, or the merged run cannot be written.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError(f"Different runs are required, received {', '.join(map(str, folders))}. Name each run once.")
    runs, names = [read_run(folder) for folder in folders], [str(folder) for folder in folders]
    settings = stored_settings(merged_config(runs))
    rounds = merge_runs(runs, names, settings.identity)
    provenance = merged_provenance(runs, names)
    with Store.begin(out / RUN_FILE_NAME, runs[0].molecule, to_dict(settings), provenance) as store:
        for round in rounds:
            store.commit(round)
        store.finish(f"merged from {len(runs)} runs")
    write_text(to_toml(settings), out / CONFIG_FILE_NAME)
