"""Datasets as input of `pes-explore label`: forces left out, and labels made again."""

from pathlib import Path

from cli.output import print_table, say
from cli.progress import counted_progress


def leave_out_forces(path: Path, out: Path) -> None:
    """Write a dataset without its forces, and print both sizes."""
    from explorer.dataset.dataset import save_without_forces

    before = path.stat().st_size if path.is_file() else 0
    save_without_forces(path, out)
    say(f"{path.name} has {before / 1e6:.1f} MB, without forces {out.stat().st_size / 1e6:.1f} MB.")


def label_dataset(path: Path, out: Path, reference: str, processes: int) -> None:
    """Label a dataset again, or collect what is labelled if there are no processes, and print what failed."""
    from explorer.dataset.relabel import relabel

    with counted_progress("frames") as progress:
        meta = relabel(path, out, reference, processes, progress)
    say(*(f"failed: {failure}" for failure in meta["failures"]))
    rows = [("molecules", str(len(meta["frames"]))), ("frames", str(sum(meta["frames"].values())))]
    print_table(rows)
