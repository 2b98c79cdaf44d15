"""`pes-explore label`: reference energies and forces, for training data or for given structures."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import print_table, refuse_to_overwrite, say
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore label --recipe data/training/alanine.toml --out alanine.npz"


def label(
    input: Annotated[
        Path | None, typer.Argument(metavar="INPUT", help="Structures to label instead of a recipe (.xyz, .extxyz).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=".npz dataset, or .extxyz for given structures.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(metavar="TOML", help="Which molecules, how many starts.")] = None,
    reference: Annotated[
        str, typer.Option(metavar="R", help="gfn2 (GFN2-xTB), or ase:package.module:Class, any ASE calculator.")
    ] = "gfn2",
    processes: Annotated[
        int, typer.Option(metavar="N", min=1, help="At a time (all cores).", show_default=False)
    ] = len(os.sched_getaffinity(0)),
    collect: Annotated[
        bool, typer.Option("--collect", help="Label nothing more: make FILE of what a killed call has left.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Label geometries with energies (eV) and forces (eV/Å) of a reference method.

    A recipe samples scans, paths, relaxations and dynamics of its molecules; a killed call goes on from
    FILE.parts. What fails is counted and named, never dropped in silence.
    """
    if out is None or (input is None) == (recipe is None):
        raise typer.BadParameter("--out FILE and either --recipe TOML or INPUT are wanted")
    if not force:
        refuse_to_overwrite([out])
    if recipe is not None:
        _label_recipe(recipe, out, reference, 0 if collect else processes)
    elif input is not None:
        _label_given(input, out, reference)
    print(out)


def _label_recipe(path: Path, out: Path, reference: str, processes: int) -> None:
    from explorer.dataset.collect import collect
    from explorer.dataset.label import label_recipe, reference_calculator
    from explorer.dataset.recipe import load_recipe

    recipe = load_recipe(path)
    reference_calculator(reference)
    parts = out.with_suffix(".parts")
    if processes:
        with counted_progress("starts") as progress:
            label_recipe(recipe, reference, parts, processes, progress)
    meta = collect(recipe, reference, parts, out)
    rows = [(name, str(n), str(meta["conformers"][name])) for name, n in meta["frames"].items()]
    print_table(rows, ("molecule", "frames", "conformers"))
    say(*(f"failed: {failure}" for failure in meta["failures"]))
    say(
        f"{len(meta['failures'])} failures, {meta['frames_above_max_force']} frames with forces above the limit, "
        f"{meta['frames_above_max_energy']} with such energies, "
        f"{meta['frames_with_broken_bonds']} with broken bonds, {meta['starts_not_done']} starts not done yet"
    )


def _label_given(path: Path, out: Path, reference: str) -> None:
    from explorer.dataset.label_file import label_file

    with counted_progress("structures") as progress:
        n_labelled, failures = label_file(path, out, reference, progress)
    say(*(f"failed: {failure}" for failure in failures))
    print_table([("labelled", str(n_labelled)), ("failed", str(len(failures)))])
