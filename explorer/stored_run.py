"""A stored run with views for networkx, ASE and pandas."""

from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from explorer.config import Settings
from explorer.config_file import stored_settings
from explorer.errors import InputError
from explorer.landscape.graph import minima_graph
from explorer.loaded_potential import LoadedPotential, atoms_at
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports]


class Run(RunRecord):
    """A stored run: its molecule, minima and hops, with views for networkx, ASE and pandas.

    All attributes of `explorer.records.run.RunRecord` are available, such as `minima`, `hops`, `conformers`,
    `molecule`, `config` and `provenance`. Energies are in eV, positions in Å.
    """

    @classmethod
    def of(cls, record: RunRecord) -> "Run":
        """Return the run of a record.

        Args:
            record: Record of a stored run.
        """
        return cls(**{field.name: getattr(record, field.name) for field in fields(RunRecord)})

    @cached_property
    def settings(self) -> Settings:
        """Settings of the run."""
        return stored_settings(self.config)

    @cached_property
    def _potential(self) -> LoadedPotential:
        # float64, because minima are stored in it and energy and forces should belong together
        return LoadedPotential(self.config["potential"], "float64", exact=self.config.get("exact", False))

    def graph(self) -> nx.MultiGraph:
        """Return the results as a graph, connected by transition states and hops.

        Nodes are ids of minima with `energy` (eV), `relative_energy` (eV above the lowest conformer),
        `structure_class`, `visits` and `n_evaluations`. Edges have `kind`, `n_hops` and `upper_bound` (eV). The kind is
        `saddle` for a transition state, with its `id`, `energy` (eV), `imaginary` (cm⁻¹, positive) and `degenerate`;
        `escape` for hops along a path, whose highest energy bounds the barrier; or `jump` for hops without one.
        """
        return minima_graph(self)

    def atoms(self, id: int, forces: bool = True) -> Atoms:
        """Return a minimum as ASE atoms with energy (eV) and forces (eV/Å).

        Args:
            id: Id of the minimum.
            forces: Whether to compute the forces with the potential of the run; without them, only the stored energy is
                given.

        Raises:
            InputError: When the run has no such minimum.
        """
        minimum = self._minimum(id)
        atoms = atoms_at(self.molecule, minimum.positions)
        results: dict[str, Any] = {"energy": minimum.energy}
        if forces:
            results["forces"] = self._potential.energy_and_forces(atoms)[1]
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.info |= {"id": id, "structure_class": str(minimum.structure_class), "fmax": minimum.fmax}
        return atoms

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return all minima as a table with one row each, indexed by id. Energies are in eV.

        `is_result` tells whether the model knows a minimum, and `exclusion` why not.

        Raises:
            ImportError: When pandas is not installed.
        """
        import pandas  # pyright: ignore[reportMissingImports]

        graph = minima_graph(self, with_unknown=True)
        table = pandas.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
        table["structure_class"] = table["structure_class"].astype(str)
        known = [minimum.uncertainty for minimum in self.minima]
        if any(known):
            table["expected_error"] = [one.expected_error if one else np.nan for one in known]
            table["verdict"] = [str(one.trust_level) if one else "" for one in known]
        table["is_result"] = [minimum.is_result for minimum in self.minima]
        table["exclusion"] = [minimum.exclusion for minimum in self.minima]
        return table.rename_axis("id")

    def _minimum(self, id: int) -> Minimum:
        if not 0 <= id < len(self.minima):
            raise InputError(f"The run has minima 0 to {len(self.minima) - 1}, received {id}.")
        return self.minima[id]
