"""`pes-explore dedup`: the distinct structures of an ensemble."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore dedup crest_conformers.extxyz distinct.extxyz --rmsd 0.125 --energy-window 0.00217"
DEFAULTS = options.DEFAULTS.identity


def dedup(
    input: Annotated[
        Path, typer.Argument(metavar="FILE", help="XYZ, extended XYZ, SDF or PDB file with all hydrogens.")
    ],
    output: Annotated[
        Path | None, typer.Argument(metavar="[OUTPUT]", help=".extxyz, .xyz or .sdf file for the representatives.")
    ] = None,
    rmsd: Annotated[
        float, typer.Option(metavar="Å", help="Over all atoms; closer structures are the same.")
    ] = DEFAULTS.rmsd,
    energy_window: Annotated[
        float, typer.Option(metavar="EV", help="eV; structures with energies further apart differ.")
    ] = DEFAULTS.energy_window,
    mirror: options.Mirror = None,
    force: options.Force = False,
) -> None:
    """Tell the structures of a file apart: bonds, stereocentres, energies, and RMSD over what a molecule can do.

    Energies are those that the file states as `energy` (eV); where it does not, geometry alone decides. Written per
    distinct structure, the lowest of its kind, in ascending energy: id (its number in FILE, from 0) and count.
    """
    from explorer.compare.distinct import distinct_structures
    from explorer.config import IdentitySettings
    from explorer.io.read import read_ensemble
    from explorer.io.write import structure_writer

    write = structure_writer(output) if output else None
    if output and not force:
        refuse_to_overwrite([output])
    settings = IdentitySettings(energy_window=energy_window, rmsd=rmsd, mirror=mirror or DEFAULTS.mirror)
    molecules, energies = read_ensemble(input)
    found = distinct_structures(molecules, energies, settings)
    say(*found.remarks)
    if write is not None:
        info = [
            {"id": int(k), "count": int(n)} | ({"energy": float(energies[k])} if found.by_energy else {})
            for k, n in zip(found.representatives, found.counts, strict=True)
        ]
        chosen = [molecules[k] for k in found.representatives]
        write(chosen, [molecule.positions for molecule in chosen], info)
    compared = f"energies within {energy_window:g} eV" if found.by_energy else "geometry alone"
    rows = [
        ("structures", str(len(molecules))),
        ("distinct", str(len(found.representatives))),
        ("compared by", f"{compared}, RMSD within {rmsd:g} Å"),
        ("bond graphs", str(found.n_graphs)),
        ("mirror images", f"the same for {found.n_merging} of {len(molecules)} structures"),
    ]
    print_table([*rows, *([("representatives", str(output))] if output else [])])
