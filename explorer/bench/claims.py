"""What a search says it has found, and what of it is true: relaxed tightly, recognised, tested by the Hessian."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import STATUS_TEXT, Status
from explorer.relax.tight import TightRelaxer
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.certifier import SOFTEST_MINIMUM
from explorer.vibrations.spectrum import Spectrometer

DUPLICATE, SADDLE = "the same as another one", "a saddle"


@dataclass(frozen=True, eq=False)
class Claims:
    """The minima that one search says it has found, in order of discovery.

    Attributes:
        positions: Å.
        n_evaluations: force calls of the search when each was found.
        spent: force calls of the whole search.
        seconds: wall time of the search.
        failure: why the search ended before its force calls were spent; empty where it did not.
    """

    positions: Float[np.ndarray, "n N 3"]
    n_evaluations: Int[np.ndarray, "n"]
    spent: int
    seconds: float
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Truth:
    """What of the claims holds.

    Attributes:
        found_after: force calls at which each true minimum was first claimed, ascending.
        energies: eV, in the same order.
        rejected: claims that count for nothing, by reason; with the true minima they add up to all claims.
    """

    found_after: Int[np.ndarray, "m"]
    energies: Float[np.ndarray, "m"]
    rejected: dict[str, int]

    def within(self, n_evaluations: int) -> int:
        """True minima found within so many force calls."""
        return int(np.searchsorted(self.found_after, n_evaluations, side="right"))


class Referee:
    """Tests the claims of any program alike, on one surface in float64; it compiles on first use.

    A claim is relaxed to 1e-4 eV/Å. It is true where that converges to a conformer of the molecule which is none of
    those before and whose softest vibration is above -10 cm⁻¹.

    Args:
        potential: on which surface.
        molecule: whose conformers count.
        settings: identity.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings):
        potential = in_precision(potential, "float64")
        self.identity = settings.identity
        self.symmetry, self.topology = symmetry_of(molecule), topology_of(molecule)
        self.relax = TightRelaxer(molecule, potential, replace(settings, precision="float64"))
        self.spectrometer = Spectrometer(molecule, potential)

    def judge(self, claims: Claims) -> Truth:
        """What of the claims of a search is true."""
        if not len(claims.positions):
            return Truth(np.empty(0, int), np.empty(0), {})
        relaxed = self.relax(claims.positions)
        positions, energies = np.asarray(relaxed.positions, float), np.asarray(relaxed.energy, float)
        kinds = np.array([found.structure_class.value for found in classify_batch(self.topology, positions)])
        is_conformer = [found.structure_class.is_conformer for found in classify_batch(self.topology, positions)]
        rejected = Counter(STATUS_TEXT[Status(int(s))] for s in relaxed.status if s != Status.CONVERGED)
        converged = relaxed.status == Status.CONVERGED
        rejected.update(kinds[converged & ~np.array(is_conformer)].tolist())
        usable = np.flatnonzero(converged & is_conformer)
        same = deduplicate(self.symmetry, energies[usable], positions[usable], kinds[usable].tolist(), self.identity)
        distinct = np.unique(same)
        rejected[DUPLICATE] = len(usable) - len(distinct)
        spectra = self.spectrometer.measure(positions[usable[distinct]], np.zeros(len(distinct), bool))
        # a Hessian that is not finite says nothing, so that it makes no minimum
        stable = distinct[np.array([s.lowest >= SOFTEST_MINIMUM for s in spectra], bool)]
        rejected[SADDLE] = len(distinct) - len(stable)
        first = np.array([claims.n_evaluations[usable[same == k]].min() for k in stable], int)
        order = np.argsort(first, kind="stable")
        return Truth(first[order], energies[usable[stable]][order], {k: n for k, n in rejected.items() if n})
