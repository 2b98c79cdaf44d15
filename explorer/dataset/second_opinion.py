"""Frames where the labels are doubtful, because a second method disagrees with them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from explorer.dataset.network_reference import SingleStructure
from explorer.dataset.parts import SampledFrame
from explorer.potential.charged_atoms import set_charge_and_spin

CHECKED_FORCE = 12.0  # eV/Å; frames with a larger force are checked; not tuned
# A frame is doubtful if the relative energy or a force of the two methods differs by more than a floor plus a share of
# it. The scatter of SO3LR and GFN2-xTB on dynamics at 1000 K is far inside of both.
ENERGY_FLOOR, ENERGY_SHARE = 1.0, 0.5  # eV, and share of the relative energy
FORCE_FLOOR, FORCE_SHARE = 5.0, 0.5  # eV/Å, and share of the largest force


class SecondOpinion(Protocol):
    """Decides which frames are kept."""

    def keep(self, structure: SingleStructure, frames: Sequence[SampledFrame]) -> tuple[list[SampledFrame], dict]:
        """Return the frames that are kept, and numbers for the header of their file."""
        ...


class NoSecondOpinion:
    """Keeps all frames."""

    def keep(self, structure: SingleStructure, frames: Sequence[SampledFrame]) -> tuple[list[SampledFrame], dict]:
        """Return all frames."""
        return list(frames), {}


class Disagreement:
    """Leaves out frames with large forces on which a second method disagrees; see the constants of this module.

    Relative energies refer to the frame of lowest energy that the network has in the start. A frame that the second
    method cannot compute is left out too.

    Args:
        calculator: ASE calculator of the second method.
    """

    def __init__(self, calculator: Calculator):
        self.calculator = calculator

    def keep(self, structure: SingleStructure, frames: Sequence[SampledFrame]) -> tuple[list[SampledFrame], dict]:
        """Return the frames that are kept, and the numbers of checked and of doubtful frames with their differences.

        Args:
            structure: Any structure of the molecule.
            frames: Labelled frames of one start.
        """
        largest = [np.linalg.norm(f.forces, axis=-1).max() for f in frames]
        suspects = [k for k, force in enumerate(largest) if force > CHECKED_FORCE]
        if not suspects:
            return list(frames), {"checked": 0, "doubtful": 0}
        lowest = int(np.argmin([f.energy for f in frames]))
        base = self._label(structure, frames[lowest])
        doubtful, differences = set(), []
        for k in suspects:
            label = self._label(structure, frames[k])
            if base is None or label is None:
                doubtful.add(k)
                continue
            relative = frames[k].energy - frames[lowest].energy
            energy_difference = label[0] - base[0] - relative
            force_difference = float(np.linalg.norm(label[1] - frames[k].forces, axis=-1).max())
            differences.append([relative, energy_difference, float(largest[k]), force_difference])
            if (
                abs(energy_difference) > ENERGY_FLOOR + ENERGY_SHARE * abs(relative)
                or force_difference > FORCE_FLOOR + FORCE_SHARE * largest[k]
            ):
                doubtful.add(k)
        kept = [frame for k, frame in enumerate(frames) if k not in doubtful]
        return kept, {"checked": len(suspects), "doubtful": len(doubtful), "differences": differences}

    def _label(self, structure: SingleStructure, frame: SampledFrame) -> tuple[float, np.ndarray] | None:
        atoms = Atoms(structure.numbers, positions=frame.positions)
        set_charge_and_spin(atoms, structure.charge, structure.n_unpaired + 1)
        atoms.calc = self.calculator
        try:
            return float(atoms.get_potential_energy()), atoms.get_forces()
        except (Exception, SystemExit):  # calculators raise types of their own, or exit
            return None
