"""Import of foreign models into the user's folder of models."""

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from explorer.errors import CheckpointError
from explorer.potential.checkpoint import checkpoint_digest, save_checkpoint, shipped_checkpoints
from explorer.potential.download import DEFAULT_BASE, download_so3lr
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import LENNARD_JONES
from explorer.potential.mlff import read_mlff
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.potential.so3lr import PARAMETERS_FILE, read_so3lr, so3lr_digest
from explorer.records.former_names import DEFAULT_MODELS
from explorer.resources import user_models_folder
from explorer.stored_programs import StoredProgram
from explorer.system import from_arrays

_evaluate = StoredProgram(evaluate, few_calls=True)

_ABOUT_SO3LR = (
    "The published SO3LR model, converted from the files of its authors. Kabylda et al., J. Am. Chem. Soc. 147, 33723 "
    "(2025), doi:10.1021/jacs.5c09558."
)
_ABOUT_MLFF = (
    "Converted from a checkpoint of {generation}. Network: Frank et al., Nat. Commun. 15, 6539 (2024), "
    "doi:10.1038/s41467-024-50620-6."
)
_MODEL_CARD = """# {name}

{about}

Reference method {reference}. Digest of the original `{theirs}`, of this checkpoint `{ours}`.
{notes}"""


def import_model(
    source: Path,
    name: str | None = None,
    units: str | None = None,
    elements: tuple[int, ...] = (),
    reference: str = "",
    force: bool = False,
) -> tuple[Path, tuple[str, ...]]:
    """Convert a checkpoint of mlff or the published SO3LR into a checkpoint in the user's folder of models.

    Args:
        source: Folder as mlff leaves it, or with `params.pkl` and `hyperparameters.json` or `.yaml` of SO3LR.
        name: Name of the imported model; `so3lr` or the name of the folder by default.
        units: Unit of energy of a network of mlff 0.x, `eV` or `kcal/mol`.
        elements: Atomic numbers in the training data, where the files do not tell.
        reference: Method of the training labels, where the files do not tell.
        force: Whether to replace a model of that name.

    Returns:
        The folder of the checkpoint, and what the files do not say and was assumed.

    Raises:
        CheckpointError: If the name cannot be used, or the files cannot be read or compute nonsense.
    """
    published = (source / PARAMETERS_FILE).is_file()
    if name is None:
        name = "so3lr" if published else source.resolve().name
    target = _free_folder(name, force)
    if published:
        (hp, params), digest, notes, about = read_so3lr(source), so3lr_digest(source), (), _ABOUT_SO3LR
    else:
        network = read_mlff(source, units, elements=elements)
        hp, params, digest, notes = network.hyperparameters, network.params, network.digest, network.notes
        about = _ABOUT_MLFF.format(generation=network.generation)
    hp = replace(hp, reference=reference or hp.reference)
    _check_energies(hp, params, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".importing-") as scratch:
        new = Path(scratch) / name
        save_checkpoint(new, hp, params)
        card = {
            "about": about,
            "reference": hp.reference or "unknown",
            "notes": "".join(f"\n{note}\n" for note in notes),
        }
        card |= {"theirs": digest, "ours": checkpoint_digest(new)}
        (new / "README.md").write_text(_MODEL_CARD.format(name=name, **card))
        if target.exists():
            target.rename(Path(scratch) / "replaced")  # deleted with the scratch folder
        new.rename(target)
    return target, notes


def fetch_so3lr(
    name: str = "so3lr",
    base: str = DEFAULT_BASE,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Download the published SO3LR model and import it.

    Args:
        name: Name of the imported model.
        base: Address of the authors' repository at a fixed revision, or of a mirror.
        force: Whether to replace a model of that name.
        progress: Called with the numbers of bytes of the current file that are there, and in total.

    Returns:
        The folder of the checkpoint.

    Raises:
        CheckpointError: If the name cannot be used, the server cannot be reached, or a file is not the published one.
    """
    _free_folder(name, force)  # before the download
    downloaded = user_models_folder() / ".download-so3lr"
    download_so3lr(downloaded, base, progress)
    folder, _ = import_model(downloaded, name, force=force)
    shutil.copy(downloaded / "LICENSE", folder / "LICENSE")
    shutil.rmtree(downloaded)
    return folder


def _check_energies(hp: Hyperparameters, params: Any, source: Path) -> None:
    """Check that the energy of a small molecule is finite and does not change in rotation."""
    usual = [z for z in (8, 6, 1) if z in hp.trained_elements or not hp.trained_elements]
    numbers = np.resize(usual or hp.trained_elements[:3], 4)
    positions = np.array([[0.0, 0.0, 0.1], [1.0, 0.2, 0.0], [-0.3, 1.1, 0.0], [0.2, -0.4, 1.2]])  # Å
    turned = positions @ Rotation.from_euler("xyz", (20, 50, 70), degrees=True).as_matrix().T
    with jax.enable_x64(True):
        potential = so3krates(hp, params)
        systems = [from_arrays(numbers, one, 0, 0, jnp.dtype("float64")) for one in (positions, turned)]
        energies = [float(_evaluate(potential, system).energy) for system in systems]
    if not np.isfinite(energies).all() or np.ptp(energies) > 1e-6 * max(1.0, abs(energies[0])):
        raise CheckpointError(
            f"{source} computes {energies[0]:.6g} and {energies[1]:.6g} eV for a molecule before and after rotation; "
            "one finite energy was wanted. The checkpoint is damaged."
        )


def _free_folder(name: str, force: bool) -> Path:
    """Return the folder of a model to import, after a check of its name and of what is there."""
    reserved = (*dict.fromkeys((*shipped_checkpoints(), "default", *DEFAULT_MODELS, LENNARD_JONES)),)
    if name in reserved:
        raise CheckpointError(f"The name {name} is reserved ({', '.join(reserved)}). Choose another --name.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise CheckpointError(f"A name of letters, digits, '.', '_' and '-' was wanted, received {name!r}.")
    target = user_models_folder() / name
    if target.exists() and not force:
        raise CheckpointError(f"{target} exists. Pass --force to replace it, or choose another --name.")
    return target
