"""Settings of a run: nested frozen dataclasses with units, defaults and checks of ranges."""

from dataclasses import dataclass, field, replace

from explorer.config_ranges import check_sizes, require
from explorer.records.former_names import FORMER_MOVES, UNCERTAINTY_LIMITS
from explorer.records.moves import chosen_moves
from explorer.records.structure_class import allowed_classes
from explorer.records.uncertainty import ANY_LEVEL, TrustLevel
from explorer.units import COVERAGE_WINDOW

_SEARCH_SHARE = 0.5  # of minutes and force calls, which a search may use before minima are connected; not tuned


@dataclass(frozen=True, kw_only=True)
class RelaxSettings:
    """Convergence criteria of relaxations.

    With the default thresholds, relaxations stop about 1e-6 eV above the bottom of a basin (`pes-explore bench relax`)
    and do not stop on a plateau with a slope of 1 meV/rad. In float32, a few in a thousand still stop on a plateau. So
    a search relaxes each new minimum once more, tightly and in float64 (`explorer/relaxation/tight.py`).

    Attributes:
        fmax: Largest force on an atom, eV/Å. A relaxation converges when this, `energy_change` and `step` are met.
        energy_change: Predicted energy change of the next step, eV.
        step: Largest change of a coordinate in the next step, Å or rad.
        max_steps: Largest number of force calls of a relaxation. With 0 it is 150, or three per atom if that is more.
        trust_radius: Largest change of an internal coordinate in one step, Å or rad.
    """

    fmax: float = 0.003
    energy_change: float = 1e-7
    step: float = 0.005
    max_steps: int = 0
    trust_radius: float = 0.5

    def __post_init__(self):
        for name in ("fmax", "energy_change", "step", "trust_radius"):
            require(getattr(self, name) > 0, f"relax.{name}", "larger than 0", getattr(self, name))
        require(self.max_steps >= 0, "relax.max_steps", "0 or more", self.max_steps)
        check_sizes(self, "relax.")


@dataclass(frozen=True, kw_only=True)
class HoppingSettings:
    """Escape, acceptance and choice of moves of the walkers (Goedecker 2004, Schönborn 2009).

    Attributes:
        n_walkers: Number of walkers that search in parallel. With 0 as many as fit into the memory are used, at most
            16 on a CPU and 1024 on a GPU.
        ticks_per_round: Force calls of every walker in a round, after which the host concludes hops and stores them.
        n_softening: Force calls that soften a random escape direction; 0 for none. Directions that rotate bonds are
            soft already.
        softening_length: Displacement at which softening probes the curvature, Å.
        softening_step: Step along the force perpendicular to the displacement, Å²/eV. C=O stretches make softening
            unstable above 0.028.
        temperature: Temperature of the initial velocities of the coldest walker, K.
        temperature_ladder: Ratio of the initial temperatures of the hottest and the coldest walker.
        temperature_min: Lower bound of the temperature under feedback, K.
        temperature_max: Upper bound of the temperature under feedback, K.
        ediff: Initial acceptance threshold, eV. A walker moves to a minimum that is less than this above the one it
            left.
        ediff_min: Lower bound of the acceptance threshold under feedback, eV.
        ediff_max: Upper bound of the acceptance threshold under feedback, eV.
        beta_same: Factor on the temperature after a return to the minimum that was left.
        beta_known: Factor on the temperature after a hop to another known minimum.
        beta_new: Factor on the temperature after a hop to a new minimum.
        beta_visits: Strength of the feedback by visits. A visit of a known minimum multiplies the temperature by a
            further 1 + beta_visits ln(visits).
        alpha_accepted: Factor on the acceptance threshold after an accepted step.
        alpha_rejected: Factor on the acceptance threshold after a rejected step.
        mdmin: Number of minima of the potential energy along the dynamics at which the relaxation starts.
        max_dynamics_steps: Largest number of dynamics steps of an escape.
        time_step: Time step of the dynamics, fs.
        hydrogen_mass: Mass of hydrogen atoms in the dynamics, amu. Heavier hydrogens allow a longer time step.
        low_energy_share: Share of the hops that start from a low minimum and target low energies. The other hops target
            any new minimum. When such hops hardly find new low minima, the share drops to one minus this value if that
            is smaller.
        recognise: Stop a relaxation as soon as it is about to end at a known minimum.
        max_visits: Largest number of visits of a minimum. A walker at a minimum with more visits restarts from a low,
            rarely visited one. With 0 walkers never restart.
        patience: Number of hops of all walkers from one minimum, after which walkers there restart from a random
            structure; for a cluster it is symmetric. With 0 they never do. A positive number suits a search for the
            lowest minimum; moves are then drawn uniformly and not by their success.
        moves: Moves by which walkers leave minima. Molecules use `hopping`, `torsion`, `amide-flip`, `crossover`,
            `crankshaft` and `low-mode`; clusters without bonds use `hopping`, `rattle` and `surface-move`; both can use
            `random-restart`. Moves that find more new minima per force call are chosen more often.
        allow: Structural changes that the search may follow, beyond conformers of the input: `cis-amide`,
            `proton-transfer`, `stereo-inversion` and `reaction`. A structure with any other change is stored, and
            the walker goes back. Without `cis-amide`, secondary amides stay cis or trans as in the input; tertiary
            ones, such as that of proline, are free.
        max_uncertainty: Worst trust level of the model at a result: `trusted`, `uncertain` or `any` (no limit). Less
            reliable minima are stored apart from the results, and the walker goes back.
    """

    n_walkers: int = 0
    ticks_per_round: int = 16
    n_softening: int = 8
    softening_length: float = 0.05
    softening_step: float = 0.01
    temperature: float = 1000.0
    temperature_ladder: float = 2.0
    temperature_min: float = 150.0
    temperature_max: float = 1800.0
    ediff: float = 1.0
    ediff_min: float = 0.005
    ediff_max: float = 2.0
    beta_same: float = 1.08
    beta_known: float = 1.04
    beta_new: float = 0.96
    beta_visits: float = 0.02
    alpha_accepted: float = 0.95
    alpha_rejected: float = 1.05
    mdmin: int = 1
    max_dynamics_steps: int = 100
    time_step: float = 2.5
    hydrogen_mass: float = 8.0
    low_energy_share: float = 0.8
    recognise: bool = True
    max_visits: int = 3
    patience: int = 0
    moves: tuple[str, ...] = (
        "hopping",
        "torsion",
        "amide-flip",
        "crossover",
        "crankshaft",
        "low-mode",
        "rattle",
        "surface-move",
    )
    allow: tuple[str, ...] = ()
    max_uncertainty: str = TrustLevel.UNCERTAIN.value

    def __post_init__(self):
        # the class is frozen; names of version 0.1 are replaced before the checks
        object.__setattr__(self, "moves", tuple(FORMER_MOVES.get(name, name) for name in self.moves))
        level = UNCERTAINTY_LIMITS.get(self.max_uncertainty, self.max_uncertainty)
        object.__setattr__(self, "max_uncertainty", level)
        positive = (
            "ticks_per_round",
            "temperature",
            "ediff",
            "mdmin",
            "max_dynamics_steps",
            "time_step",
            "hydrogen_mass",
            "softening_length",
            "softening_step",
            "temperature_min",
        )
        for name in positive:
            require(getattr(self, name) > 0, f"hopping.{name}", "larger than 0", getattr(self, name))
        for name in ("n_walkers", "n_softening", "max_visits", "patience", "beta_visits", "ediff_min"):
            require(getattr(self, name) >= 0, f"hopping.{name}", "0 or more", getattr(self, name))
        for name in ("beta_same", "beta_known", "temperature_ladder", "alpha_rejected"):
            require(getattr(self, name) >= 1, f"hopping.{name}", "at least 1", getattr(self, name))
        require(0 <= self.low_energy_share <= 1, "hopping.low_energy_share", "between 0 and 1", self.low_energy_share)
        for name in ("beta_new", "alpha_accepted"):
            require(0 < getattr(self, name) <= 1, f"hopping.{name}", "in (0, 1]", getattr(self, name))
        require(
            self.temperature_min <= self.temperature <= self.temperature_max,
            "hopping.temperature",
            f"between {self.temperature_min} and {self.temperature_max} K",
            self.temperature,
        )
        require(
            self.ediff_min <= self.ediff_max,
            "hopping.ediff_min",
            f"at most ediff_max, {self.ediff_max}",
            self.ediff_min,
        )
        check_sizes(self, "hopping.")
        levels = [TrustLevel.TRUSTED.value, TrustLevel.UNCERTAIN.value, ANY_LEVEL]
        require(
            self.max_uncertainty in levels, "hopping.max_uncertainty", " or ".join(levels), repr(self.max_uncertainty)
        )
        allowed_classes(self.allow)
        chosen_moves(self.moves)


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """Criteria for two relaxed structures to be the same minimum.

    The energy window is the larger of 0.05 kcal/mol and three times the noise of relaxations. With the shipped model
    in float32, relaxations into one minimum of Ac-Ala3-NHMe differ by 5e-5 eV (standard deviation; 3e-4 at most) and by
    0.001 Å (median). With SO3LR they differ by 6e-6 eV for Ac-Ala-NHMe (`reports/studies/noise.py`). So the window is
    0.05 kcal/mol.

    Attributes:
        energy_window: Energy difference above which structures are different minima, eV. The default is 0.05 kcal/mol.
        rmsd: RMSD above which structures are different minima, Å. It is over all atoms, minimal over rotations and over
            the permutations of equivalent atoms that a motion can perform. Structures that differ by turned methyls
            alone are one minimum, too: their RMSD without the hydrogens of methyls is below 0.4 of this.
        mirror: Whether a structure and its mirror image are one minimum: `merge`, `distinct`, or `auto`, which merges
            them if the molecule is achiral.
    """

    energy_window: float = 0.00217
    rmsd: float = 0.125
    mirror: str = "auto"

    def __post_init__(self):
        for name in ("energy_window", "rmsd"):
            require(getattr(self, name) > 0, f"identity.{name}", "larger than 0", getattr(self, name))
        check_sizes(self, "identity.")
        require(self.mirror in ("auto", "distinct", "merge"), "identity.mirror", "auto, distinct or merge", self.mirror)


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    """Limits of a run, which stops when the first of them is reached; 0 means no limit.

    Attributes:
        hops: Number of finished hops.
        evaluations: Number of force calls.
        minutes: Wall time of the search, min.
        coverage: Estimated share of the minima that is found (`explorer/landscape/coverage.py`), between 0 and 1. The
            lower end of its 95 % interval must reach it.
        window: Energy above the lowest minimum up to which `coverage` counts minima, eV; 0 for all energies, as for
            clusters. The default is 6 kcal/mol.
        connect: Connect the minima by transition states after the search, in what is left of `minutes` and
            `evaluations`. The search then uses half of both at most.
    """

    hops: int = 0
    evaluations: int = 0
    minutes: float = 5.0
    coverage: float = 0.0
    window: float = COVERAGE_WINDOW
    connect: bool = False

    def __post_init__(self):
        for name in ("hops", "evaluations", "minutes", "window"):
            require(getattr(self, name) >= 0, f"budget.{name}", "0 or more", getattr(self, name))
        check_sizes(self, "budget.")
        require(0 <= self.coverage < 1, "budget.coverage", "0 (off) or between 0 and 1, such as 0.95", self.coverage)
        require(
            self.hops > 0 or self.evaluations > 0 or self.minutes > 0 or self.coverage > 0,
            "budget",
            "limited by hops, evaluations, minutes or coverage",
            "0 for all of them",
        )

    @property
    def of_search(self) -> "BudgetSettings":
        """Limits of the search alone."""
        if not self.connect:
            return self
        calls = max(1, int(_SEARCH_SHARE * self.evaluations)) if self.evaluations else 0
        return replace(self, minutes=_SEARCH_SHARE * self.minutes, evaluations=calls, connect=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a run. Together with the molecule, they determine the run.

    Attributes:
        potential: Name of a shipped or imported model, a checkpoint folder, `so3lr:FOLDER`, `mlff:FOLDER`,
            `lennard-jones`, or `ase:` and the name of an ASE calculator.
        precision: Floating-point precision of the search, `float32` or `float64`.
        exact: Evaluate the radial filter networks of a model themselves and not their low-rank representation.
        calculator_timeout: Time after which a calculation of an ASE calculator has failed, s; 0 for no limit. The hop
            then fails, and the search goes on.
        seed: Seed of all random numbers.
        training_frames: Largest number of training frames that are relaxed for the comparison with the training data.
        temperature: Temperature of the populations and free energies in the report, K.
        relax: Convergence criteria of relaxations.
        hopping: Escape, acceptance and choice of moves of the walkers.
        identity: Criteria for two structures to be the same minimum.
        budget: Limits of the run.
    """

    potential: str = "default"
    precision: str = "float32"
    exact: bool = False
    calculator_timeout: float = 0.0
    seed: int = 0
    training_frames: int = 192
    temperature: float = 300.0
    relax: RelaxSettings = field(default_factory=RelaxSettings)
    hopping: HoppingSettings = field(default_factory=HoppingSettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)

    def __post_init__(self):
        require(self.precision in ("float32", "float64"), "precision", "float32 or float64", self.precision)
        for name in ("seed", "training_frames", "calculator_timeout"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        check_sizes(self, "")
        require(self.temperature > 0, "temperature", "larger than 0 K", self.temperature)
