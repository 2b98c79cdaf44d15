"""Run folders to one run folder."""

from collections.abc import Sequence
from pathlib import Path

from explorer.compare.merge import merge_runs, merged_config, merged_provenance
from explorer.config import Settings
from explorer.config_file import to_dict, to_toml, with_overrides
from explorer.errors import InputError
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store


def merge_folders(folders: Sequence[Path], out: Path) -> None:
    """Stores the runs of some folders as one run, with its config.toml; the other outputs are `finish_outputs`'.

    Args:
        folders: of different runs.
        out: folder of the merged run.

    Raises:
        InputError: when runs do not fit together.
        StoreError: when one is missing, or the merged run cannot be written.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError(f"Different runs were wanted, received {', '.join(map(str, folders))}. Name each once.")
    runs, names = [read_run(folder) for folder in folders], [str(folder) for folder in folders]
    settings: Settings = with_overrides(Settings(), merged_config(runs))
    rounds = merge_runs(runs, names, settings.identity)
    provenance = merged_provenance(runs, names)
    with Store.begin(out / FILE_NAME, runs[0].molecule, to_dict(settings), provenance) as store:
        for round in rounds:
            store.commit(round)
        store.finish(f"merged from {len(runs)} runs")
    (out / "config.toml").write_text(to_toml(settings))
