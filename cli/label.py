"""`pes-explore label`: reference energies and forces for training data or for structures of a file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.datasets import label_dataset, leave_out_forces
from cli.device import prepare_device
from cli.output import print_table, refuse_to_overwrite, say
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore label --recipe data/training/peptides.toml --out peptides.npz"


def label(
    input: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT", help="File with structures to label (XYZ, npz, ASE or HDF5), in place of a recipe."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Output: .npz dataset for a recipe or for INPUT that is a dataset, .extxyz file for any INPUT.",
        ),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Recipe of a dataset: molecules and sampling.")
    ] = None,
    reference: Annotated[
        str,
        typer.Option(
            metavar="R",
            help="Reference method: gfn2 (GFN2-xTB), so3lr or so3lr:FOLDER (the published SO3LR model) or "
            "ase:package.module:Class (an ASE calculator).",
        ),
    ] = "gfn2",
    processes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of parallel processes (all cores).", show_default=False)
    ] = len(os.sched_getaffinity(0)),
    collect: Annotated[
        bool,
        typer.Option(
            "--collect", help="Write FILE from the finished parts of an interrupted call; label nothing more."
        ),
    ] = False,
    without_forces: Annotated[
        bool,
        typer.Option(
            "--without-forces",
            help="Write the compact form, with positions to 0.0005 Å and no forces. With INPUT, label nothing.",
        ),
    ] = False,
    force: options.Force = False,
) -> None:
    """Label structures with energies (eV) and forces (eV/Å) of a reference method.

    A recipe samples torsion scans, paths, relaxations and dynamics of its molecules. An interrupted call continues
    from FILE.parts. All failures are counted and printed.

    A dataset can be labelled again: INPUT.npz --out FILE.npz keeps conformers, stages and splits. --without-forces
    writes a dataset in a sixth of its size, from which that makes forces again. Runs are compared with such a file as
    with the whole one; train needs the forces.
    """
    if out is None or (input is None) == (recipe is None):
        raise typer.BadParameter("--out FILE and either --recipe TOML or INPUT are required")
    if not force:
        refuse_to_overwrite([out])
    if without_forces and out.suffix != ".npz":
        raise typer.BadParameter(f"--without-forces writes a dataset, FILE.npz, received {out.name}")
    if reference.partition(":")[0] == "so3lr" and not collect:
        prepare_device()
    if recipe is not None:
        _label_recipe(recipe, out, reference, 0 if collect else processes)
        if without_forces:
            leave_out_forces(out, out)
    elif input is not None and without_forces:
        leave_out_forces(input, out)
    elif input is not None and out.suffix == ".npz":
        label_dataset(input, out, reference, 0 if collect else processes)
    elif input is not None:
        _label_structures(input, out, reference)
    print(out)


def _label_recipe(path: Path, out: Path, reference: str, processes: int) -> None:
    from explorer.dataset.collect import collect
    from explorer.dataset.label import label_recipe, reference_calculator
    from explorer.dataset.label_together import label_together
    from explorer.dataset.recipe import load_recipe

    recipe = load_recipe(path)
    parts = out.with_suffix(".parts")
    if processes:
        reference_calculator(reference)
        with counted_progress("starts") as progress:
            if recipe.sampler == "network":
                label_together(recipe, reference, parts, progress)
            else:
                label_recipe(recipe, reference, parts, processes, progress)
    meta = collect(recipe, reference, parts, out)
    rows = [(name, str(n), str(meta["conformers"][name])) for name, n in meta["frames"].items()]
    print_table(rows, ("molecule", "frames", "conformers"))
    say(*(f"failed: {failure}" for failure in meta["failures"]))
    say(
        f"{len(meta['failures'])} failures, {meta['frames_above_max_force']} frames with forces above the limit, "
        f"{meta['frames_above_max_energy']} with energies above the limit, "
        f"{meta['frames_with_broken_bonds']} with broken bonds, {meta['frames_doubtful']} doubtful by a second method, "
        f"{meta['starts_not_done']} starts not finished"
    )


def _label_structures(path: Path, out: Path, reference: str) -> None:
    from explorer.dataset.label_file import label_file

    with counted_progress("structures") as progress:
        n_labelled, failures = label_file(path, out, reference, progress)
    say(*(f"failed: {failure}" for failure in failures))
    print_table([("labelled", str(n_labelled)), ("failed", str(len(failures)))])
