"""A search as one step of active learning, which resumes where it was interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from explorer.active_learning.progress import LearningProgress
from explorer.config import Settings
from explorer.records.molecule import Molecule
from explorer.store.database import RUN_FILE_NAME
from explorer.workflows.run import resume_run, start_run
from explorer.workflows.session import Session


@contextmanager
def search_to_the_end(
    molecule: Molecule, settings: Settings, folder: Path, progress: LearningProgress
) -> Iterator[Session]:
    """Explore a molecule until the budget is used, or continue this search in its folder.

    Args:
        molecule: Molecule to start from.
        settings: Settings of the run.
        folder: Folder of the run.
        progress: Called during the search.

    Yields:
        The finished run, open for writing until the end of the block.

    Raises:
        Stopped: When the user asked to stop; the run is stored.
        InputError: When the search cannot start.
    """
    if (folder / RUN_FILE_NAME).exists():
        opened = Session.open(folder, writing=True)
        search = partial(resume_run, opened)
    else:
        opened = nullcontext()
        budget = replace(settings.budget, connect=False)  # transition states are of no use to these steps
        search = partial(start_run, molecule, replace(settings, budget=budget), folder)
    with opened, search(progress.search, progress.stop) as session:
        progress.raise_if_stopped()
        yield session
