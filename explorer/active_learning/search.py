"""A search as one step of active learning, which resumes where it was interrupted."""

from pathlib import Path

from explorer.active_learning.progress import LearningProgress
from explorer.config import Settings
from explorer.records.molecule import Molecule
from explorer.store.database import RUN_FILE_NAME
from explorer.workflows.run import resume_run, start_run
from explorer.workflows.session import Session


def search_to_the_end(molecule: Molecule, settings: Settings, folder: Path, progress: LearningProgress) -> Session:
    """Explore a molecule until the budget is used, or continue this search in its folder.

    Args:
        molecule: Molecule to start from.
        settings: Settings of the run.
        folder: Folder of the run.
        progress: Called during the search.

    Returns:
        The finished run.

    Raises:
        Stopped: When the user asked to stop; the run is stored.
        InputError: When the search cannot start.
    """
    if (folder / RUN_FILE_NAME).exists():
        session = resume_run(Session.open(folder), progress.search, progress.stop)
    else:
        session = start_run(molecule, settings, folder, progress.search, progress.stop)
    progress.raise_if_stopped()
    return session
