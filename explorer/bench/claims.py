"""Minima claimed by a search, and their verification: tight relaxation, identity, softest vibration."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from explorer.config import Settings
from explorer.potential.load import in_precision
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import STATUS_TEXT, Status
from explorer.relaxation.tight import TightRelaxer
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.modes import SOFTEST_MINIMUM
from explorer.vibrations.spectrum import Spectrometer

DUPLICATE, SADDLE = "the same as another one", "a saddle"


@dataclass(frozen=True, eq=False)
class Claims:
    """Minima that one search reports, in order of discovery.

    Attributes:
        positions: Structures, Å.
        n_evaluations: Force calls of the search when each one was found.
        n_spent: Force calls of the whole search.
        seconds: Wall time of the search, s.
        failure: Why the search ended before its force calls were spent; empty if it did not.
    """

    positions: Float[np.ndarray, "n N 3"]
    n_evaluations: Int[np.ndarray, "n"]
    n_spent: int
    seconds: float
    failure: str = ""


@dataclass(frozen=True, eq=False)
class VerifiedClaims:
    """Result of the verification of claims.

    Attributes:
        found_after: Force calls at which each true minimum was first claimed, ascending.
        energies: Energies of the true minima in the same order, eV.
        rejected: Number of rejected claims by reason; together with the true minima they add up to all claims.
    """

    found_after: Int[np.ndarray, "m"]
    energies: Float[np.ndarray, "m"]
    rejected: dict[str, int]

    def n_within(self, n_evaluations: int) -> int:
        """Return the number of true minima that were found within a number of force calls.

        Args:
            n_evaluations: Number of force calls.
        """
        return int(np.searchsorted(self.found_after, n_evaluations, side="right"))


class ClaimVerifier:
    """Verification of the claims of any program by the same rules, in float64; it compiles on first use.

    A claim is relaxed to 1e-4 eV/Å. It is true if the relaxation converges to a conformer of the molecule that differs
    from all earlier ones and whose softest vibration is not below -10 cm⁻¹.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule whose conformers count; its positions are not used.
        settings: Settings of the run; the identity criteria and the relaxation are used.
    """

    def __init__(self, potential: Potential, molecule: Molecule, settings: Settings):
        potential = in_precision(potential, "float64")
        self.identity = settings.identity
        self.symmetry, self.topology = symmetry_of(molecule), topology_of(molecule)
        self.relax = TightRelaxer(molecule, potential, replace(settings, precision="float64"))
        self.spectrometer = Spectrometer(molecule, potential)

    def verify(self, claims: Claims) -> VerifiedClaims:
        """Separate the true minima of a search from duplicates, saddles, failures and other molecules.

        Args:
            claims: Minima that a search reports.
        """
        if not len(claims.positions):
            return VerifiedClaims(np.empty(0, int), np.empty(0), {})
        relaxed = self.relax(claims.positions)
        positions, energies = np.asarray(relaxed.positions, float), np.asarray(relaxed.energy, float)
        classes = [one.structure_class for one in classify_batch(self.topology, positions)]
        names, is_conformer = np.array([c.value for c in classes]), np.array([c.is_conformer for c in classes])
        rejected = Counter(STATUS_TEXT[Status(int(s))] for s in relaxed.status if s != Status.CONVERGED)
        converged = relaxed.status == Status.CONVERGED
        rejected.update(names[converged & ~is_conformer].tolist())
        usable = np.flatnonzero(converged & is_conformer)
        same = deduplicate(self.symmetry, energies[usable], positions[usable], names[usable].tolist(), self.identity)
        distinct = np.unique(same)
        rejected[DUPLICATE] = len(usable) - len(distinct)
        spectra = self.spectrometer.measure(positions[usable[distinct]], np.zeros(len(distinct), bool))
        # a Hessian that is not finite compares as false, so it does not confirm a minimum
        stable = distinct[np.array([s.lowest >= SOFTEST_MINIMUM for s in spectra], bool)]
        rejected[SADDLE] = len(distinct) - len(stable)
        first = np.array([claims.n_evaluations[usable[same == k]].min() for k in stable], int)
        order = np.argsort(first, kind="stable")
        return VerifiedClaims(first[order], energies[usable[stable]][order], {k: n for k, n in rejected.items() if n})
