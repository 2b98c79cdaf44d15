"""What every panel needs of a run, computed once: relative energies, recognition, torsions."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from explorer.config import IdentitySettings
from explorer.config_file import is_trained
from explorer.records.comparisons import TrainingMinimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.similarity.mirror import mirror_degeneracies
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.topology.bonds import Topology, topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.torsions import backbone_torsions
from explorer.units import KCAL_PER_MOL

KNOWN, NEW, UNCOMPARED = "known", "new", ""


@dataclass(frozen=True, eq=False)
class View:
    """A run as the panels see it; derived quantities are computed on first use.

    Attributes:
        run: the record.
    """

    run: RunRecord

    @cached_property
    def zero(self) -> float:
        """Energy that all relative energies refer to, eV: the lowest conformer, else the lowest minimum."""
        conformers = [m.energy for m in self.run.conformers]
        return min(conformers or [m.energy for m in self.run.minima], default=0.0)

    def relative(self, energy: float | np.ndarray) -> np.ndarray:
        """Energy above the zero, kcal/mol."""
        return (np.asarray(energy, dtype=float) - self.zero) / KCAL_PER_MOL

    @cached_property
    def energies(self) -> Float[np.ndarray, "n_minima"]:
        """Relative energy of every minimum by id, kcal/mol."""
        return self.relative(np.array([m.energy for m in self.run.minima], dtype=float))

    @cached_property
    def order(self) -> Int[np.ndarray, "n_minima"]:
        """Ids by ascending energy."""
        return np.argsort(self.energies, kind="stable")

    @cached_property
    def classes(self) -> list[StructureClass]:
        """Class of every minimum by id."""
        return [m.structure_class for m in self.run.minima]

    @cached_property
    def differences(self) -> list[str]:
        """What is different from the input in every minimum by id, in words; empty where nothing is."""
        positions = np.array([m.positions for m in self.run.minima]).reshape(-1, self.run.molecule.n_atoms, 3)
        return [found.reason for found in classify_batch(self.topology, positions)]

    @cached_property
    def recognition(self) -> list[str]:
        """`known` or `new` against the training minima by id.

        Empty where nothing was compared, and for other molecules than the one that was given.
        """
        if self.run.comparison is None:
            return [UNCOMPARED] * len(self.run.minima)
        known = {t.found for t in self.run.comparison.training_minima}
        return [
            (KNOWN if m.id in known else NEW) if m.structure_class.is_conformer else UNCOMPARED for m in self.run.minima
        ]

    @property
    def is_trained(self) -> bool:
        """Whether the potential was fitted to data, so that there is something to compare with."""
        return is_trained(self.run.provenance.get("potential", ""))

    @cached_property
    def missed(self) -> tuple[TrainingMinimum, ...]:
        """Training minima that the run did not find."""
        comparison = self.run.comparison
        return () if comparison is None else tuple(t for t in comparison.training_minima if t.found is None)

    @cached_property
    def topology(self) -> Topology:
        """Bonds, stereocentres and backbone of the input."""
        return topology_of(self.run.molecule)

    @cached_property
    def torsions(self) -> Float[np.ndarray, "n_minima n_residues 2"]:
        """phi and psi of each residue of every minimum, degrees."""
        positions = np.stack([m.positions for m in self.run.minima])
        return backbone_torsions(positions, self.topology.backbone)

    @cached_property
    def identity(self) -> IdentitySettings:
        """When two structures were the same minimum; of runs of older versions as far as the settings still exist."""
        names = {f.name for f in fields(IdentitySettings)}
        stored = self.run.config.get("identity", {})
        return IdentitySettings(**{name: value for name, value in stored.items() if name in names})

    @cached_property
    def symmetry(self) -> Symmetry:
        """Which atoms of the input may trade places."""
        return symmetry_of(self.run.molecule)

    @cached_property
    def degeneracies(self) -> Int[np.ndarray, "n_minima"]:
        """How many minima each one stands for: 2 where its mirror image was merged with it."""
        positions = np.array([m.positions for m in self.run.minima]).reshape(-1, self.run.molecule.n_atoms, 3)
        return mirror_degeneracies(self.symmetry, self.identity, positions)

    def groups(self) -> list[tuple[StructureClass, str, list[int]]]:
        """Ids of the minima by class and recognition, in the order of the legends."""
        members: dict[tuple[StructureClass, str], list[int]] = {}
        for minimum, recognition in zip(self.run.minima, self.recognition, strict=True):
            members.setdefault((minimum.structure_class, recognition), []).append(minimum.id)
        keys = [(c, r) for c in StructureClass for r in (KNOWN, NEW, UNCOMPARED) if (c, r) in members]
        return [(c, r, members[c, r]) for c, r in keys]
