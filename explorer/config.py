"""Settings: nested frozen dataclasses with units and range checks."""

from dataclasses import dataclass, field

from explorer.errors import ConfigError
from explorer.records.former_names import MOVES, TRUST_LEVELS
from explorer.records.moves import chosen_moves
from explorer.records.structure_class import allowed_classes
from explorer.records.uncertainty import TrustLevel


def _require(condition: bool, name: str, wanted: str, received: object) -> None:
    if not condition:
        raise ConfigError(f"{name} must be {wanted}, received {received}.")


@dataclass(frozen=True, kw_only=True)
class RelaxSettings:
    """When a relaxation is done.

    The defaults stop some 1e-6 eV above the bottom of a basin (`pes-explore bench relax`), and not on a shelf with the
    slope of 1 meV/rad. In float32 a few in a thousand still do, so a search relaxes what it stores once more, tightly
    (`explorer/relax/tight.py`).

    Attributes:
        fmax: largest per-atom force norm, eV/Å.
        energy_change: predicted change of the next step, eV.
        step: largest change of a coordinate in the next step, Å or rad.
        max_steps: force calls per relaxation; 0 for 150, or three per atom where that is more.
        trust_radius: largest change of an internal coordinate in a step, Å or rad.
    """

    fmax: float = 0.003
    energy_change: float = 1e-7
    step: float = 0.005
    max_steps: int = 0
    trust_radius: float = 0.5

    def __post_init__(self):
        for name in ("fmax", "energy_change", "step", "trust_radius"):
            _require(getattr(self, name) > 0, f"relax.{name}", "larger than 0", getattr(self, name))
        _require(self.max_steps >= 0, "relax.max_steps", "0 or more", self.max_steps)


@dataclass(frozen=True, kw_only=True)
class HoppingSettings:
    """How walkers escape and what they accept (Goedecker 2004, Schönborn 2009).

    Attributes:
        n_walkers: walkers in the batch; 0 for as many as fit into the memory, at most 16 on a CPU and 1024 on a GPU.
        ticks_per_round: force calls of every walker between two looks by the host.
        n_softening: force calls that soften an initial velocity drawn at random; 0 for none. One that turns bonds
            is soft.
        softening_length: Å, displacement at which softening probes the curvature.
        softening_step: Å²/eV, step along the force perpendicular to the displacement; C=O stretches
            make it unstable above 0.028.
        temperature: of the coldest walker's initial velocities, K.
        temperature_ladder: the hottest walker starts at this multiple of it.
        temperature_min, temperature_max: bounds of the feedback, K.
        ediff: initial acceptance threshold, eV.
        ediff_min, ediff_max: bounds of the feedback, eV.
        beta_same, beta_known, beta_new: factors on the temperature after an outcome.
        beta_visits: a revisit multiplies it further by 1 + beta_visits ln(visits).
        alpha_accepted, alpha_rejected: factors on ediff.
        mdmin: minima of the potential energy along the dynamics before relaxing.
        max_dynamics_steps: cap on dynamics steps of an escape.
        time_step: fs.
        hydrogen_mass: amu; heavier hydrogens allow a longer time step.
        deep: share of the hops that leave from a low minimum and aim at low ones, the others at whatever is new; one
            less this share once they find few that are new.
        recognise: whether a relaxation that is seen to end at a known minimum is not finished.
        max_visits: a walker at a minimum that was visited more often restarts from a rarely visited
            low minimum; 0 for never.
        patience: hops of all walkers from one minimum after which those that are there, or come there again, begin
            afresh from a random structure, of a cluster a symmetric one; 0 for never. Such a search is for the
            lowest minimum: its moves come evenly, whichever finds most new ones.
        moves: how walkers leave minima (`hopping`, `torsion`, `amide-flip`, `crossover`, `crankshaft`,
            `low-mode`; `rattle` and `surface-move` for clusters without bonds; `random-restart`); which of them comes next is learned
            from the new minima per force call of each, or where it was sent for low minima from new low ones.
        allow: what walkers may explore beside the given molecule (`cis-amide`, `proton-transfer`,
            `stereo-inversion`, `reaction`); all that changed in a structure must be allowed, otherwise
            it is stored and the walker goes back.
        max_uncertainty: the least that must be known of where walkers go: `trusted`, `uncertain`, or `out-of-distribution` for
            anywhere; what is known less well is stored, and the walker goes back.
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
    allow: tuple[str, ...] = ("cis-amide",)
    max_uncertainty: str = TrustLevel.OUT_OF_DISTRIBUTION.value

    def __post_init__(self):
        # frozen: names of version 0.1 are replaced before anything is checked
        object.__setattr__(self, "moves", tuple(MOVES.get(name, name) for name in self.moves))
        level = TRUST_LEVELS.get(self.max_uncertainty, self.max_uncertainty)
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
        )
        for name in positive:
            _require(getattr(self, name) > 0, f"hopping.{name}", "larger than 0", getattr(self, name))
        for name in ("n_walkers", "n_softening", "max_visits", "patience", "beta_visits"):
            _require(getattr(self, name) >= 0, f"hopping.{name}", "0 or more", getattr(self, name))
        for name in ("beta_same", "beta_known", "temperature_ladder", "alpha_rejected"):
            _require(getattr(self, name) >= 1, f"hopping.{name}", "at least 1", getattr(self, name))
        _require(0 <= self.low_energy_share <= 1, "hopping.low_energy_share", "between 0 and 1", self.low_energy_share)
        for name in ("beta_new", "alpha_accepted"):
            _require(0 < getattr(self, name) <= 1, f"hopping.{name}", "in (0, 1]", getattr(self, name))
        _require(
            self.temperature_min <= self.temperature <= self.temperature_max,
            "hopping.temperature",
            f"between {self.temperature_min} and {self.temperature_max} K",
            self.temperature,
        )
        levels = [str(level) for level in TrustLevel]
        _require(
            self.max_uncertainty in levels, "hopping.max_uncertainty", " or ".join(levels), repr(self.max_uncertainty)
        )
        allowed_classes(self.allow)
        chosen_moves(self.moves)


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """When two relaxed structures are the same minimum.

    The window is the larger of 0.05 kcal/mol and three times the noise of relaxations. With the shipped model in
    float32 relaxations into one minimum differ by 5e-5 eV (standard deviation; 3e-4 at most) and by 0.001 Å (median)
    on Ac-Ala3-NHMe, with SO3LR by 6e-6 eV on Ac-Ala-NHMe (`reports/studies/noise.py`), so 0.05 kcal/mol it is.

    Attributes:
        energy_window: eV; energies further apart are different minima (default 0.05 kcal/mol).
        rmsd: Å, over all atoms, proper rotations and the exchanges of equal atoms that a motion can do.
        mirror: whether a structure and its mirror image are one minimum: `merge`, `distinct`, or `auto`, which
            merges them where the molecule is achiral.
    """

    energy_window: float = 0.00217
    rmsd: float = 0.125
    mirror: str = "auto"

    def __post_init__(self):
        for name in ("energy_window", "rmsd"):
            _require(getattr(self, name) > 0, f"identity.{name}", "larger than 0", getattr(self, name))
        _require(
            self.mirror in ("auto", "distinct", "merge"), "identity.mirror", "auto, distinct or merge", self.mirror
        )


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    """When a run stops: whichever comes first; 0 means no limit.

    Attributes:
        hops: finished hops.
        evaluations: force calls.
        minutes: wall time of the search.
        coverage: estimated share of the minima (`explorer/landscape/coverage.py`), at the lower end of its interval.
        window: of these minima, eV above the lowest; 0 for all.
    """

    hops: int = 0
    evaluations: int = 0
    minutes: float = 5.0
    coverage: float = 0.0
    window: float = 0.0

    def __post_init__(self):
        for name in ("hops", "evaluations", "minutes", "window"):
            _require(getattr(self, name) >= 0, f"budget.{name}", "0 or more", getattr(self, name))
        _require(0 <= self.coverage < 1, "budget.coverage", "0 (off) or between 0 and 1, such as 0.95", self.coverage)
        _require(
            self.hops > 0 or self.evaluations > 0 or self.minutes > 0 or self.coverage > 0,
            "budget",
            "limited by hops, evaluations, minutes or coverage",
            "0 for all of them",
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides what a run does.

    Attributes:
        potential: a shipped model, a checkpoint folder, or `lennard-jones`.
        precision: `float32` or `float64`.
        exact: evaluate the radial filter networks of a model themselves, not their common basis.
        seed: one integer; the run is a function of it.
        training_frames: at most so many training frames are quenched for the comparison.
        temperature: for the populations in the report, K.
    """

    potential: str = "default"
    precision: str = "float32"
    exact: bool = False
    seed: int = 0
    training_frames: int = 192
    temperature: float = 300.0
    relax: RelaxSettings = field(default_factory=RelaxSettings)
    hopping: HoppingSettings = field(default_factory=HoppingSettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)

    def __post_init__(self):
        _require(self.precision in ("float32", "float64"), "precision", "float32 or float64", self.precision)
        _require(self.seed >= 0, "seed", "0 or more", self.seed)
        _require(self.temperature > 0, "temperature", "larger than 0 K", self.temperature)
