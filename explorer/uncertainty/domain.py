"""Domain of a network: chemistry, distances and energies in its training data, as a file beside its checkpoint."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Bool

from explorer.dataset.dataset import MoleculeData
from explorer.errors import CheckpointError
from explorer.files import write_json
from explorer.io.perceive import Perception, perceive
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.model_files import read_model_json
from explorer.records.molecule import Molecule
from explorer.topology.bonds import keeps_bonds
from explorer.topology.environments import describe_unseen, resonance_environments
from explorer.train.frames import total_atomic_energy
from explorer.uncertainty.additivity import GroupAdditivity, count_groups
from explorer.uncertainty.closest_pairs import closest_pairs, smallest_of

DOMAIN_FILE = "domain.json"
_TRIED_FRAMES = 50  # lowest frames of a molecule whose bonds and charges are perceived, until they fit; not tuned


@dataclass(frozen=True, kw_only=True, eq=False)
class Domain:
    """What the training data of a network hold.

    Attributes:
        environments: Local environments of atoms (`topology.environments`).
        total_charges: Smallest and largest total charge of a molecule, e.
        closest: Smallest distance of each kind of pair, Å (`closest_pairs`).
        energies: Energies of relaxed molecules by their groups.
    """

    environments: frozenset[str]
    total_charges: tuple[int, int]
    closest: dict[str, float]
    energies: GroupAdditivity

    @classmethod
    def of(cls, molecules: dict[str, MoleculeData], hp: Hyperparameters) -> "Domain | None":
        """Return the domain of training data; None if the formal charges of no molecule can be perceived.

        Frames whose bonds are not those of their molecule are left out, since protons move in some.

        Args:
            molecules: Labelled frames by molecule.
            hp: Hyperparameters of the network, whose energies are without those of the atoms.
        """
        environments, pairs, groups, lowest, n_atoms, charges = set(), [], [], [], [], []
        for data in molecules.values():
            intact = keeps_bonds(data.atomic_numbers, np.asarray(data.positions, float), data.bonds)
            perceived = _perceived(data, intact)
            if perceived is None:
                continue
            environments |= resonance_environments(
                data.atomic_numbers, perceived.bonds, perceived.orders, perceived.charges
            )
            pairs.append(closest_pairs(data.atomic_numbers, data.bonds, data.positions[intact]))
            groups.append(count_groups(data.atomic_numbers, perceived.bonds, perceived.charges))
            lowest.append(float(data.energy[intact].min()) - total_atomic_energy(data.atomic_numbers, hp))
            n_atoms.append(len(data.atomic_numbers))
            charges.append(int(data.total_charge))
        if not groups:
            return None
        return cls(
            environments=frozenset(environments),
            total_charges=(min(charges), max(charges)),
            closest=smallest_of(pairs),
            energies=GroupAdditivity.fit(groups, np.array(lowest), np.array(n_atoms, float)),
        )

    def unseen(self, molecule: Molecule) -> list[str]:
        """Return what the training data never had of the chemistry of a molecule, in words with names of atoms.

        Args:
            molecule: Molecule; its positions are not used.
        """
        found = describe_unseen(molecule, self.environments)
        low, high = self.total_charges
        if not low <= molecule.total_charge <= high:
            found.append(f"total charge {molecule.total_charge:+d} (training data: {low:+d} to {high:+d})")
        return found

    def energy_floor(self, molecule: Molecule) -> float:
        """Return the energy below which a minimum of a molecule is a hole, eV; -inf where it is not known.

        Args:
            molecule: Molecule; its positions are not used.
        """
        groups = count_groups(molecule.atomic_numbers, molecule.bonds, molecule.formal_charges)
        return self.energies.floor(groups, molecule.n_atoms)

    def save(self, folder: Path) -> None:
        """Write the domain into a checkpoint folder."""
        values = {
            "environments": sorted(self.environments),
            "total_charges": self.total_charges,
            "closest": {kind: round(self.closest[kind], 4) for kind in sorted(self.closest)},
            "energies": self.energies.as_json(),
        }
        write_json(values, folder / DOMAIN_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the domain of a checkpoint; None for a checkpoint without one.

        Raises:
            CheckpointError: When the file is damaged.
        """
        path = folder / DOMAIN_FILE
        if not path.exists():
            return None
        values = read_model_json(path)
        try:
            low, high = map(int, values["total_charges"])
            closest = {str(kind): float(distance) for kind, distance in values["closest"].items()}
            if low > high or not all(distance > 0 for distance in closest.values()):
                raise ValueError("charges must ascend and distances must be positive")
            return cls(
                environments=frozenset(map(str, values["environments"])),
                total_charges=(low, high),
                closest=closest,
                energies=GroupAdditivity.from_json(values["energies"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"{path} is damaged ({error}). Fetch the model again.") from None


def _perceived(data: MoleculeData, intact: Bool[np.ndarray, "F"]) -> Perception | None:
    """Return bonds, orders and formal charges from a low frame; None where they do not fit the molecule."""
    wanted = {frozenset(pair) for pair in data.bonds.tolist()}
    ascending = np.argsort(data.energy, kind="stable").tolist()
    for k in [k for k in ascending if intact[k]][:_TRIED_FRAMES]:
        perceived = perceive(data.atomic_numbers, np.asarray(data.positions[k], float))
        if {frozenset(pair) for pair in perceived.bonds.tolist()} == wanted and (
            perceived.charges.sum() == data.total_charge
        ):
            return perceived
    return None
