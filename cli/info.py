"""`pes-explore info`: versions of the installation, or settings and provenance of a run."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from cli.output import print_table
from cli.settings import flatten

EXAMPLE = "Example: pes-explore info runs/aaa"
PACKAGES = ("pes-explore", "jax", "jaxlib", "flax", "e3x", "optax", "numpy", "rdkit", "ase")


def info(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run, or its run.sqlite.")] = None,
) -> None:
    """Show versions, devices, shipped models and peptides, or settings, seed and digests of RUN.

    Units of the settings: Å, eV, eV/Å, fs, K, minutes.
    """
    if run is None:
        print_table(_installation())
        return
    from explorer.store.read import read_run

    record = read_run(run)
    print_table(
        [("molecule", f"{record.molecule.name} ({record.molecule.source})"), ("ended", record.finished or "not yet")]
    )
    print_table(sorted(record.provenance.items()))
    print_table([(key, str(value)) for key, value in flatten(record.config).items()])


def _installation() -> list[tuple[str, str]]:
    import jax

    from cli.shipped import shipped_peptides
    from explorer.potential.checkpoint import shipped_checkpoints
    from explorer.resources import compilation_cache_folder

    rows = [("python", platform.python_version()), *((name, version(name)) for name in PACKAGES)]
    rows += [("devices", ", ".join(f"{device.device_kind} {device.id}" for device in jax.devices()))]
    rows += [("shipped models", ", ".join(shipped_checkpoints())), ("shipped peptides", ", ".join(shipped_peptides()))]
    rows += [("compiled programs", str(compilation_cache_folder()))]
    return rows
