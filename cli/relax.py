"""`pes-explore relax`: relaxation of all structures of a file."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_table, refuse_to_overwrite, say
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore relax conformers.sdf relaxed.extxyz --set relax.fmax=0.001 --precision float64"


def relax(
    input: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Structure file (PDB, XYZ, SDF, MOL2, CIF, ...) with all hydrogens.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Output: .extxyz, .xyz or .sdf file.")],
    method: Annotated[
        str,
        typer.Option(
            metavar="M", help="Optimiser: auto, internal, cartesian, lbfgs or fire.", rich_help_panel="Search"
        ),
    ] = "auto",
    charge: options.Charge = None,
    potential: options.Potential = None,
    precision: options.Precision = None,
    exact: options.Exact = None,
    config: options.Config = None,
    set_: options.Set = None,
    force: options.Force = False,
) -> None:
    """Relax all structures of a file.

    OUTPUT has for each structure: id (index in INPUT, from 0), energy (eV), fmax (largest force on an atom, eV/Å),
    n_evaluations (number of force calls), status of the relaxation, structure class (intact, cis-amide, ...), verdict
    on the uncertainty of the model and, where the model does not know the structure, the reason (exclusion).
    Structures that are no complete molecule are left out and named.
    """
    from cli.settings import new_settings
    from explorer.io.ensemble import read_ensemble
    from explorer.io.settle import with_bonds_of
    from explorer.io.write import structure_writer

    write = structure_writer(output)
    if not force:
        refuse_to_overwrite([output])
    settings = new_settings(config, {"potential": potential, "precision": precision, "exact": exact}, set_)
    ensemble = read_ensemble(input, charge)
    molecules = ensemble.molecules
    prepare_device()  # it may restart the process, so nothing may be written before
    say(*ensemble.remarks)
    from explorer.workflows.relax import relax_structures

    with counted_progress("structures") as progress:
        relaxed = relax_structures(molecules, settings, method, progress)
    names = ("energy", "fmax", "n_evaluations", "status")
    info = [
        {"id": int(k)}
        | {name: getattr(r, name) for name in names}
        | {"class": str(r.structure_class)}
        | ({"verdict": str(r.uncertainty.trust_level)} if r.uncertainty else {})
        | ({"exclusion": r.exclusion} if r.exclusion else {})
        for k, r in zip(ensemble.indices, relaxed, strict=True)
    ]
    bonded = [
        molecule if r.structure_class.is_conformer else with_bonds_of(molecule, r.positions)
        for molecule, r in zip(molecules, relaxed, strict=True)
    ]
    write(bonded, [r.positions for r in relaxed], info)
    rows = [
        (
            str(k),
            f"{r.energy:.6f}",
            f"{r.fmax:.1e}",
            str(r.n_evaluations),
            r.status,
            str(r.structure_class),
            str(r.uncertainty.trust_level) if r.uncertainty else "",
            r.exclusion,
        )
        for k, r in zip(ensemble.indices, relaxed, strict=True)
    ]
    columns = ("structure", "energy (eV)", "fmax (eV/Å)", "force calls", "status", "class", "verdict", "why unknown")
    print_table(rows, columns)
    if n_unknown := sum(bool(r.exclusion) for r in relaxed):
        say(
            f"{n_unknown} of {len(relaxed)} relaxed structures are unknown to the model. Their energies are no "
            "results: use another potential, or train a model on such structures (pes-explore train)."
        )
    print(output)
