"""A cheap surface that proposes geometries: MMFF94s, its relaxation, its Hessian and Langevin dynamics."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from explorer.errors import InputError
from explorer.units import ACCELERATION, BOLTZMANN, KCAL_PER_MOL

FRICTION = 0.02  # 1 / fs
STEP = 1.0  # fs
DISPLACEMENT = 1e-3  # Å, of the differences of forces
STIFF = 1e3  # kcal / mol / rad²: holds a torsion
SOFTEST = 1.0  # eV / Å²: a flat direction is not trusted further than this

Torsion = tuple[int, int, int, int]


class ForceField:
    """MMFF94s of one molecule, or of several that see each other.

    Raises:
        InputError: when the force field has no parameters for it.

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
        """Forces in eV/Å at positions in Å."""
        self._field.Initialize()  # RDKit keeps the distances of the last positions otherwise
        gradient = self._field.CalcGrad(positions.ravel().tolist())
        return -KCAL_PER_MOL * np.array(gradient).reshape(-1, 3)

    def relax(
        self, positions: Float[np.ndarray, "N 3"], max_steps: int, torsions: Sequence[Torsion] = ()
    ) -> Float[np.ndarray, "N 3"]:
        """Positions in Å after at most so many steps downhill, with some torsions held as they are."""
        self.mol.GetConformer().SetPositions(np.array(positions))
        held = self._new_field()
        for torsion in torsions:
            held.MMFFAddTorsionConstraint(*torsion, True, 0.0, 0.0, STIFF)
        held.Initialize()
        held.Minimize(maxIts=max_steps)
        return np.array(held.Positions()).reshape(-1, 3)

    def hessian(self, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3N 3N"]:
        """A positive definite Hessian in eV/Å² to begin a relaxation on another surface with.

        Eigenvalues are made positive and none is smaller than `SOFTEST`.
        """
        steps = DISPLACEMENT * np.eye(positions.size).reshape(-1, *positions.shape)
        rows = np.array([self.forces(positions - d) - self.forces(positions + d) for d in steps])
        matrix = rows.reshape(positions.size, positions.size) / (2 * DISPLACEMENT)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return (vectors * np.maximum(np.abs(values), SOFTEST)) @ vectors.T

    def walk(
        self,
        positions: Float[np.ndarray, "N 3"],
        temperature: float,
        n_steps: int,
        stride: int,
        rng: np.random.Generator,
    ) -> Iterator[Float[np.ndarray, "N 3"]]:
        """Langevin dynamics from a minimum, every `stride` steps of 1 fs; Å, K.

        The first velocities have twice the temperature: half goes into the potential.

        Source: Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34, doi:10.1093/amrx/abs010 (BAOAB).
        """
        acceleration = ACCELERATION / self.masses[:, None]
        thermal = np.sqrt(BOLTZMANN * temperature * acceleration)  # Å / fs
        kept = np.exp(-FRICTION * STEP)
        positions, force = np.array(positions), self.forces(positions)
        velocities = np.sqrt(2) * thermal * rng.normal(size=positions.shape)
        for step in range(1, n_steps + 1):
            velocities += STEP / 2 * acceleration * force
            positions += STEP / 2 * velocities
            velocities = kept * velocities + np.sqrt(1 - kept**2) * thermal * rng.normal(size=positions.shape)
            positions += STEP / 2 * velocities
            force = self.forces(positions)
            velocities += STEP / 2 * acceleration * force
            if step % stride == 0:
                yield positions.copy()

    def _new_field(self):
        return rdForceFieldHelpers.MMFFGetMoleculeForceField(
            self.mol, self._properties, ignoreInterfragInteractions=False
        )
