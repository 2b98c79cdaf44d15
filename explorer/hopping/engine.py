"""Engine of the hops of a molecule, built from its settings."""

from explorer.config import Settings
from explorer.dynamics.velocities import masses_of
from explorer.hopping.recognition import make_projection
from explorer.hopping.walker import Engine
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import make_relaxer


def make_engine(molecule: Molecule, settings: Settings) -> Engine:
    """Build the engine of a search.

    Args:
        molecule: Molecule; its positions define the internal coordinates.
        settings: Settings of the search.
    """
    masses = masses_of(molecule, settings.hopping.hydrogen_mass)
    return Engine(
        relaxer=make_relaxer(molecule, settings.relax),
        masses=masses.astype(settings.precision),
        projection=make_projection(molecule, settings.identity) if settings.hopping.recognise else None,
        settings=settings.hopping,
    )
