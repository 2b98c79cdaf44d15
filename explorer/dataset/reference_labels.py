"""Labels of structures by any reference method: a network in batches, others in several processes."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Float

from explorer.dataset.batched_paths import Evaluate
from explorer.dataset.label import reference_calculator
from explorer.dataset.network_reference import SingleStructure, is_network, network_reference
from explorer.dataset.processes import ignore_interrupts
from explorer.errors import ConfigError
from explorer.potential.charged_atoms import atoms_of
from explorer.records.molecule import Molecule

Label = tuple[float, Float[np.ndarray, "N 3"]]  # energy, eV, and forces, eV/Å; NaN where the reference failed


class ReferenceLabels:
    """Energies and forces of a reference method. It is a context that ends the processes it has started.

    Args:
        reference: Name for `reference_calculator`.
        n_processes: Number of processes of an ASE calculator; a network needs none.

    Raises:
        ConfigError: When there is no such reference method.
    """

    def __init__(self, reference: str, n_processes: int = 1):
        self.reference = reference
        self._network = network_reference(reference) if is_network(reference) else None
        self._pool: ProcessPoolExecutor | None = None
        if self._network is None:
            reference_calculator(reference)  # fails for an unknown name before processes are started
            if n_processes > 1:
                os.environ["OMP_NUM_THREADS"] = "1"  # one thread in each process, as in `run_in_processes`
                spawn = get_context("spawn")  # a fork of a process with threads of JAX may hang
                self._pool = ProcessPoolExecutor(n_processes, mp_context=spawn, initializer=ignore_interrupts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def of(self, molecule: Molecule) -> Evaluate:
        """Return the function that labels structures of a molecule; see `batched_paths.Evaluate`.

        Args:
            molecule: Molecule; its positions are not used. Force fields take its bonds.
        """

        def evaluate(structures: Sequence[SingleStructure]) -> list[Label]:
            if self._network is not None:
                return self._network.evaluate(structures)
            return self.of_frames([(molecule, structure.positions) for structure in structures])

        return evaluate

    def of_frames(self, frames: Sequence[tuple[Molecule, Float[np.ndarray, "N 3"]]]) -> list[Label]:
        """Label structures of any molecules.

        Args:
            frames: Molecule and positions (Å) of each structure.
        """
        if self._network is not None:
            return self._network.evaluate(
                [
                    SingleStructure(one.atomic_numbers, one.total_charge, one.multiplicity - 1, np.asarray(x, float))
                    for one, x in frames
                ]
            )
        calls = [(self.reference, *frame) for frame in frames]
        if self._pool is not None:
            return list(self._pool.map(_label, *zip(*calls, strict=True))) if calls else []
        return [_label(*call) for call in calls]


def _label(reference: str, molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Label:
    atoms = atoms_of(molecule, positions)
    atoms.calc = reference_calculator(reference)
    try:
        return float(atoms.get_potential_energy()), np.asarray(atoms.get_forces(), float)
    except ConfigError:
        raise
    except Exception:  # calculators raise types of their own, such as for an SCF that does not converge
        return np.nan, np.full(positions.shape, np.nan)
