"""`pes-explore info`: versions of the installation, or settings and provenance of a run."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import print_table, say
from cli.settings import flatten

if TYPE_CHECKING:
    from explorer.records.run import RunRecord

EXAMPLE = "Example: pes-explore info runs/aaa"
MAX_LISTED = 10  # minima that are no results; not tuned
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
    from explorer.store.export import by_energy
    from explorer.store.read import read_run

    record = read_run(run)
    print_table(
        [("molecule", f"{record.molecule.name} ({record.molecule.source})"), ("ended", record.finished or "not yet")]
    )
    print_table([("minima", _minima(record)), *sorted(record.provenance.items())])
    if record.unknown:
        rows = [(str(m.id), f"{m.energy:.4f}", str(m.structure_class), m.exclusion) for m in by_energy(record, True)]
        unknown = rows[len(record.results) :]
        print_table(unknown[:MAX_LISTED], ("unknown minimum", "energy (eV)", "class", "why it is no result"))
        if len(unknown) > MAX_LISTED:
            say(f"{len(unknown) - MAX_LISTED} more: pes-explore export RUN --all --format csv")
    print_table([(key, str(value)) for key, value in flatten(record.config).items()])


def _minima(record: "RunRecord") -> str:
    from explorer.analysis.conformers import count_conformers

    conformers = count_conformers(m.structure_class for m in record.conformers)
    return (
        f"{len(record.results)} results (conformers: {conformers}), {len(record.unknown)} unknown to the "
        f"model ({100 * record.unknown_share:.1f} % of the force calls)"
    )


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
