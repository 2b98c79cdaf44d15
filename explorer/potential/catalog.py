"""Import of published models into the user's folder of models."""

import re
import shutil
import tempfile
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.potential.checkpoint import checkpoint_digest, save_checkpoint, shipped_checkpoints
from explorer.potential.load import LENNARD_JONES
from explorer.potential.so3lr import read_so3lr, so3lr_digest
from explorer.resources import user_models_folder

_MODEL_CARD = """# {name}

The published SO3LR model, converted from the files of its authors; reference {reference}. Digest of their files
`{theirs}`, of this checkpoint `{ours}`. Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
"""


def import_so3lr(source: Path, name: str, force: bool = False) -> Path:
    """Convert a published SO3LR folder into a checkpoint in the user's folder of models.

    Args:
        source: Folder with `params.pkl` and `hyperparameters.json` or `.yaml`.
        name: Name of the imported model.
        force: Whether to replace a model of that name.

    Returns:
        The folder of the checkpoint.

    Raises:
        CheckpointError: If the name cannot be used or the files cannot be read.
    """
    _check_name(name)
    target = user_models_folder() / name
    if target.exists() and not force:
        raise CheckpointError(f"{target} exists. Pass --force to replace it, or choose another --name.")
    hp, params = read_so3lr(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".importing-") as scratch:
        new = Path(scratch) / name
        save_checkpoint(new, hp, params)
        digests = {"theirs": so3lr_digest(source), "ours": checkpoint_digest(new)}
        (new / "README.md").write_text(_MODEL_CARD.format(name=name, reference=hp.reference, **digests))
        if target.exists():
            shutil.rmtree(target)
        new.rename(target)
    return target


def _check_name(name: str) -> None:
    reserved = (*shipped_checkpoints(), "default", LENNARD_JONES)
    if name in reserved:
        raise CheckpointError(f"The name {name} is reserved ({', '.join(reserved)}). Choose another --name.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise CheckpointError(f"A name of letters, digits, '.', '_' and '-' was wanted, received {name!r}.")
