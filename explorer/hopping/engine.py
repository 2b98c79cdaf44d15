"""From a molecule and settings to what its walkers need."""

from explorer.config import Settings
from explorer.dynamics.velocities import masses_of
from explorer.hopping.recognition import make_projection
from explorer.hopping.softening import soft_filter
from explorer.hopping.walker import Engine
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import make_relaxer


def make_engine(molecule: Molecule, settings: Settings) -> Engine:
    """What walkers need beside the potential."""
    return Engine(
        settings=settings.hopping,
        relaxer=make_relaxer(molecule, settings.relax),
        filter_fn=soft_filter(molecule),
        masses=tuple(masses_of(molecule.atomic_numbers, settings.hopping.hydrogen_mass).tolist()),
        projection=make_projection(molecule, settings.identity) if settings.hopping.recognise else None,
    )
