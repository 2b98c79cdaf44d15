"""MMFF94s force field for geometry proposals: forces, relaxation, Hessian and Langevin dynamics."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from explorer.dynamics.baoab import baoab_step
from explorer.errors import InputError
from explorer.units import ACCELERATION, BOLTZMANN, KCAL_PER_MOL

SAMPLING_FRICTION = 0.02  # 1/fs, of all Langevin dynamics of the sampling; not tuned
_MMFF_TIME_STEP = 1.0  # fs; not tuned
_MMFF_DIFFERENCE_STEP = 1e-3  # Å, of the central differences of forces in the Hessian; not tuned
_HELD_TORSION_STIFFNESS = 1e3  # kcal/mol/rad², of the restraint that holds a torsion; not tuned
MIN_STIFFNESS = 1.0  # eV/Å², smallest eigenvalue of a Hessian; limits the first steps along flat directions; not tuned

Torsion = tuple[int, int, int, int]


class ForceField:
    """MMFF94s of one molecule, or of several molecules that interact.

    Args:
        mol: Molecule with explicit hydrogens; its conformers are not used.

    Raises:
        InputError: When MMFF94s has no parameters for it.

    Source: Halgren, J. Comput. Chem. 20, 720 (1999), doi:10.1002/(SICI)1096-987X(199905)20:7<720::AID-JCC7>3.0.CO;2-X.
    """

    def __init__(self, mol: Chem.Mol):
        self.mol = Chem.Mol(mol)
        self.mol.RemoveAllConformers()
        self.mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
        self.masses = np.array([a.GetMass() for a in mol.GetAtoms()])
        self._properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(self.mol, mmffVariant="MMFF94s")
        if self._properties is None:
            raise InputError(
                f"MMFF94s has no parameters for {Chem.MolToSmiles(Chem.RemoveHs(mol))}. Set n_walkers = 0."
            )
        self._field = self._new_field()

    def forces(self, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """Return the forces, eV/Å.

        Args:
            positions: Positions, Å.
        """
        self._field.Initialize()  # otherwise RDKit uses the distances of the previous positions
        gradient = self._field.CalcGrad(positions.ravel().tolist())
        return -KCAL_PER_MOL * np.array(gradient).reshape(-1, 3)

    def relax(
        self, positions: Float[np.ndarray, "N 3"], max_steps: int, torsions: Sequence[Torsion] = ()
    ) -> Float[np.ndarray, "N 3"]:
        """Minimise the energy, with some torsions held if these are given.

        Args:
            positions: Initial positions, Å.
            max_steps: Largest number of steps.
            torsions: Torsions that are held at their initial angles.

        Returns:
            Positions after the last step, Å.
        """
        self.mol.GetConformer().SetPositions(np.array(positions))
        field = self._new_field()
        for torsion in torsions:
            field.MMFFAddTorsionConstraint(*torsion, True, 0.0, 0.0, _HELD_TORSION_STIFFNESS)
        field.Initialize()
        field.Minimize(maxIts=max_steps)
        return np.array(field.Positions()).reshape(-1, 3)

    def hessian(self, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3N 3N"]:
        """Return a positive definite Hessian for the start of a relaxation with another potential, eV/Å².

        Eigenvalues are replaced by their absolute values, and by `MIN_STIFFNESS` where these are smaller.

        Args:
            positions: Positions, Å.
        """
        steps = _MMFF_DIFFERENCE_STEP * np.eye(positions.size).reshape(-1, *positions.shape)
        rows = np.array([self.forces(positions - d) - self.forces(positions + d) for d in steps])
        matrix = rows.reshape(positions.size, positions.size) / (2 * _MMFF_DIFFERENCE_STEP)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return (vectors * np.maximum(np.abs(values), MIN_STIFFNESS)) @ vectors.T

    def dynamics(
        self,
        positions: Float[np.ndarray, "N 3"],
        temperature: float,
        n_steps: int,
        stride: int,
        rng: np.random.Generator,
    ) -> Iterator[Float[np.ndarray, "N 3"]]:
        """Yield positions of Langevin dynamics from a minimum, Å.

        The initial velocities correspond to twice the temperature, because half of the kinetic energy becomes potential
        energy.

        Args:
            positions: Positions of the minimum, Å.
            temperature: Temperature, K.
            n_steps: Number of steps of 1 fs.
            stride: Number of steps from one yielded structure to the next.
            rng: Random number generator.

        Source: Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34, doi:10.1093/amrx/abs010 (BAOAB).
        """
        acceleration = ACCELERATION / self.masses[:, None]
        thermal = np.sqrt(BOLTZMANN * temperature * acceleration)  # Å / fs
        kept = np.exp(-SAMPLING_FRICTION * _MMFF_TIME_STEP)
        width = np.sqrt(1 - kept**2) * thermal
        velocities = np.sqrt(2) * thermal * rng.normal(size=positions.shape)
        for step in range(1, n_steps + 1):
            kick = (0.5 if step == 1 else 1.0) * _MMFF_TIME_STEP * acceleration * self.forces(positions)
            noise = rng.normal(size=positions.shape)
            positions, velocities = baoab_step(positions, velocities, kick, noise, _MMFF_TIME_STEP, kept, width)
            if step % stride == 0:
                yield positions

    def _new_field(self):
        return rdForceFieldHelpers.MMFFGetMoleculeForceField(
            self.mol, self._properties, ignoreInterfragInteractions=False
        )
