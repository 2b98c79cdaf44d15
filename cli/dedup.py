"""`pes-explore dedup`: removal of duplicate conformers from a file."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cli import options
from cli.output import print_table, refuse_to_overwrite, say

EXAMPLE = "Example: pes-explore dedup crest_conformers.extxyz distinct.extxyz --rmsd 0.125 --energy-window 0.00217"
DEFAULTS = options.DEFAULTS.identity


def dedup(
    input: Annotated[
        Path, typer.Argument(metavar="FILE", help="Structure file (PDB, XYZ, SDF, MOL2, CIF, ...) with all hydrogens.")
    ],
    output: Annotated[
        Path | None, typer.Argument(metavar="[OUTPUT]", help=".extxyz, .xyz or .sdf file for the distinct structures.")
    ] = None,
    rmsd: Annotated[
        float, typer.Option(metavar="Å", help="RMSD threshold over all atoms, Å; closer structures are duplicates.")
    ] = DEFAULTS.rmsd,
    energy_window: Annotated[
        float,
        typer.Option(
            metavar="EV", help="Energy threshold, eV; structures with a larger energy difference are distinct."
        ),
    ] = DEFAULTS.energy_window,
    mirror: options.Mirror = None,
    charge: options.Charge = None,
    force: options.Force = False,
) -> None:
    """Remove duplicate conformers from a file.

    Two structures are duplicates if bonds and stereocentres agree, and energy difference and RMSD are below the
    thresholds. The RMSD is the minimum over all feasible permutations of equivalent atoms. Energies in FILE need a
    known unit and are converted to eV; without them, only the geometry is compared. OUTPUT has the lowest structure of
    each group in ascending energy, with its id (index in FILE, from 0) and count (size of the group).
    """
    from explorer.comparison.distinct import distinct_structures
    from explorer.config import IdentitySettings
    from explorer.io.ensemble import read_ensemble
    from explorer.io.write import structure_writer

    write = structure_writer(output) if output else None
    if output and not force:
        refuse_to_overwrite([output])
    settings = IdentitySettings(energy_window=energy_window, rmsd=rmsd, mirror=mirror or DEFAULTS.mirror)
    ensemble = read_ensemble(input, charge, keep_broken=True)
    molecules, energies = ensemble.molecules, ensemble.energies
    result = distinct_structures(molecules, energies, settings)
    say(*ensemble.remarks, *result.remarks)
    if write is not None:
        info = [
            {"id": int(ensemble.indices[k]), "count": int(n)}
            | ({"energy": float(energies[k])} if np.isfinite(energies[k]) else {})
            for k, n in zip(result.representatives, result.counts, strict=True)
        ]
        chosen = [molecules[k] for k in result.representatives]
        write(chosen, [molecule.positions for molecule in chosen], info)
    compared = f"energies within {energy_window:g} eV" if result.by_energy else "geometry alone"
    rows = [
        ("structures", str(len(molecules))),
        ("distinct", str(len(result.representatives))),
        ("compared by", f"{compared}, RMSD within {rmsd:g} Å"),
        ("bond graphs", str(result.n_graphs)),
        ("mirror images", f"merged for {result.n_merging} of {len(molecules)} structures"),
    ]
    print_table([*rows, *([("representatives", str(output))] if output else [])])
