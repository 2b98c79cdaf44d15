"""Quantities derived from a stored run, each computed once: relative energies, coverage, torsions, free energies."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from explorer.analysis.kinetic_model import KineticModel, kinetic_model
from explorer.config import IdentitySettings
from explorer.config_file import LENNARD_JONES, is_trained
from explorer.landscape.coverage import Coverage, VisitCounts
from explorer.landscape.free_energies import Thermochemistry, free_energies
from explorer.records.comparisons import TrainingMinimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.similarity.mirror import mirror_degeneracies
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.hydrogen_bonds import hydrogen_bond_patterns
from explorer.topology.torsions import backbone_torsions
from explorer.units import COVERAGE_WINDOW, KCAL, REDUCED, EnergyUnit

# A known minimum is one that a training frame relaxes to; a new one has no such frame.
KNOWN, NEW, UNCOMPARED = "known", "new", ""


@dataclass(frozen=True, eq=False)
class RunAnalysis:
    """A stored run with the quantities that are derived from it, computed on first use.

    Attributes:
        run: The record of the run.
        temperature: Temperature of free energies and populations, K; 0 for that of the run.
    """

    run: RunRecord
    temperature: float = 0.0

    @property
    def kelvin(self) -> float:
        """Temperature of free energies and populations, K."""
        return self.temperature or self.run.config.get("temperature", 300.0)

    @cached_property
    def visit_counts(self) -> VisitCounts:
        """Number of hops from other minima that ended in each minimum."""
        return VisitCounts(self.run.minima, self.run.hops)

    @property
    def window(self) -> float:
        """Energy window of the coverage, eV: that of the run, or 6 kcal/mol; 0 is all energies, as for clusters."""
        usual = 0.0 if self.unit == REDUCED else COVERAGE_WINDOW
        return self.run.config.get("budget", {}).get("window") or usual

    @cached_property
    def coverages(self) -> tuple[Coverage, Coverage]:
        """Coverage within the energy window, and of all minima."""
        return self.visit_counts.coverage(self.window), self.visit_counts.coverage(0.0)

    @cached_property
    def thermochemistry(self) -> dict[int, Thermochemistry]:
        """Zero-point and free energies of the certified minima by id, in ascending free energy."""
        if not self.run.certificates:
            return {}  # degeneracies take seconds to compute
        known = free_energies(self.run, self.kelvin, self.degeneracies)
        return dict(sorted(known.items(), key=lambda item: item[1].free_energy))

    @cached_property
    def kinetics(self) -> KineticModel:
        """Networks of rate constants over the saddles, with quasi-RRHO free energies."""
        return kinetic_model(self)

    @cached_property
    def zero(self) -> float:
        """Zero of all relative energies, eV: the lowest conformer, or the lowest result or minimum if there is none."""
        return self.run.zero

    @property
    def unit(self) -> EnergyUnit:
        """Unit of the relative energies: kcal/mol, or ε for a Lennard-Jones cluster."""
        return REDUCED if self.run.provenance.get("potential") == LENNARD_JONES else KCAL

    @property
    def is_cluster(self) -> bool:
        """Whether the system has no bonds, so that its structures have no classes."""
        return not len(self.run.molecule.bonds)

    def relative(self, energy: float | np.ndarray) -> np.ndarray:
        """Return an energy relative to `zero`, in the unit of the run.

        Args:
            energy: Absolute energy, eV.
        """
        return (np.asarray(energy, dtype=float) - self.zero) / self.unit.size

    @cached_property
    def energies(self) -> Float[np.ndarray, "n_minima"]:
        """Relative energy of every minimum by id, in the unit of the run."""
        return self.relative(np.array([m.energy for m in self.run.minima], dtype=float))

    @cached_property
    def results(self) -> Int[np.ndarray, "n_results"]:
        """Ids of the minima that the model knows, ascending."""
        return np.array([m.id for m in self.run.results], int)

    @cached_property
    def order(self) -> Int[np.ndarray, "n_results"]:
        """Ids of the results by ascending energy."""
        return self.results[np.argsort(self.energies[self.results], kind="stable")]

    @cached_property
    def classes(self) -> list[StructureClass]:
        """Class of every minimum by id."""
        return [m.structure_class for m in self.run.minima]

    @cached_property
    def differences(self) -> list[str]:
        """Structural differences of every minimum from the input by id, in words; empty where there are none."""
        positions = np.array([m.positions for m in self.run.minima]).reshape(-1, self.run.molecule.n_atoms, 3)
        return [classification.reason for classification in classify_batch(self.topology, positions)]

    @cached_property
    def recognition(self) -> list[str]:
        """Whether the training data contain each conformer, by id: `known` or `new`.

        Empty where nothing was compared, and for minima that are not conformers.
        """
        if self.run.comparison is None:
            return [UNCOMPARED] * len(self.run.minima)
        known = {t.found for t in self.run.comparison.training_minima}
        return [(KNOWN if m.id in known else NEW) if m.is_conformer else UNCOMPARED for m in self.run.minima]

    @property
    def is_trained(self) -> bool:
        """Whether the potential was fitted to training data."""
        return is_trained(self.run.provenance.get("potential", ""))

    @cached_property
    def missed(self) -> tuple[TrainingMinimum, ...]:
        """Training minima that the run did not find."""
        comparison = self.run.comparison
        return () if comparison is None else tuple(t for t in comparison.training_minima if t.found is None)

    @cached_property
    def training_classes(self) -> list[StructureClass]:
        """Class of every training minimum by its id."""
        if self.run.comparison is None or not self.run.comparison.training_minima:
            return []
        positions = np.stack([t.positions for t in self.run.comparison.training_minima])
        return [one.structure_class for one in classify_batch(self.topology, positions)]

    @cached_property
    def topology(self) -> Topology:
        """Bonds, stereocentres and backbone of the input."""
        return topology_of(self.run.molecule)

    @cached_property
    def torsions(self) -> Float[np.ndarray, "n_minima n_residues 2"]:
        """φ and ψ of each residue of every minimum, degrees."""
        positions = np.stack([m.positions for m in self.run.minima])
        return backbone_torsions(positions, self.topology.backbone)

    @cached_property
    def hydrogen_bonds(self) -> list[str]:
        """Pattern of hydrogen bonds of every minimum by id, such as `C10+C7`."""
        return hydrogen_bond_patterns(self.run.molecule, np.array([m.positions for m in self.run.minima]))

    @cached_property
    def identity(self) -> IdentitySettings:
        """Identity settings of the run; settings that no longer exist are ignored."""
        names = {f.name for f in fields(IdentitySettings)}
        stored = self.run.config.get("identity", {})
        return IdentitySettings(**{name: value for name, value in stored.items() if name in names})

    @cached_property
    def symmetry(self) -> Symmetry:
        """Feasible permutations of the atoms of the input."""
        return symmetry_of(self.run.molecule)

    @cached_property
    def degeneracies(self) -> Int[np.ndarray, "n_minima"]:
        """Number of minima that each one represents: 2 where its mirror image was merged with it."""
        positions = np.array([m.positions for m in self.run.minima]).reshape(-1, self.run.molecule.n_atoms, 3)
        return mirror_degeneracies(self.symmetry, self.identity, positions)

    def groups(self) -> list[tuple[StructureClass, str, list[int]]]:
        """Return class, recognition and ids of each group of results, in the order of the legends."""
        members: dict[tuple[StructureClass, str], list[int]] = {}
        for minimum, recognition in zip(self.run.minima, self.recognition, strict=True):
            if minimum.is_result:
                members.setdefault((minimum.structure_class, recognition), []).append(minimum.id)
        keys = [(c, r) for c in StructureClass for r in (KNOWN, NEW, UNCOMPARED) if (c, r) in members]
        return [(c, r, members[c, r]) for c, r in keys]
