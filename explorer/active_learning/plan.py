"""Plan of a learning run: its first run, settings and files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from explorer.active_learning.cached import cached_arrays
from explorer.active_learning.held_out import draw_held_out
from explorer.config import Settings
from explorer.config_file import ASE_PREFIX, keep_settings, stored_settings
from explorer.dataset.network_reference import public_reference, require_fetched
from explorer.errors import ConfigError, InputError
from explorer.overrides import with_overrides
from explorer.potential.load import LENNARD_JONES, SO3LR_PREFIX, read_model
from explorer.potential.mlff import MLFF_PREFIX
from explorer.records.run import RunRecord
from explorer.records.uncertainty import ANY_LEVEL
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.store.read import read_run
from explorer.train.settings import FitSettings
from explorer.workflows.session import Session

# These are a few thousand steps, most of them in the decay, at almost the learning rate of a training from random
# parameters. With them, two rounds halve the errors at the minima.
FINE_TUNING = FitSettings(epochs=25, decay_epochs=35, learning_rate=8e-3, warmup=100, ema_decay=0.99)


@dataclass(frozen=True)
class LearnSettings:
    """Settings of a learning run. The field names are the keys of its `settings.json`.

    Attributes:
        reference: Name of the reference method; empty for that of the network.
        n: Number of structures that are labelled in each round, with their neighbourhoods.
        n_held_out: Number of conformers of the first run, at most a third, that are never labelled and measure the
            error.
        window: Largest energy above the lowest conformer of structures that are labelled or held out, eV.
        fit: Settings of the training in each round.

    Raises:
        ConfigError: When a number is out of range.
    """

    reference: str = ""
    n: int = 80
    n_held_out: int = 12
    window: float = 0.5
    fit: FitSettings = field(default_factory=lambda: FINE_TUNING)

    def __post_init__(self):
        for name in ("n", "n_held_out"):
            if getattr(self, name) < 3:
                raise ConfigError(f"{name} must be at least 3, received {getattr(self, name)}.")


def learn_settings(reference: str, n: int, window: float | None, overrides: Mapping[str, str]) -> LearnSettings:
    """Return the settings of a learning run.

    Args:
        reference: Name of the reference method; empty for that of the network.
        n: Number of structures in each round.
        window: Window of energies, eV; None for the default.
        overrides: Values by dotted name, such as `fit.epochs`.

    Raises:
        ConfigError: For an unknown key, or a value of the wrong type.
    """
    settings = replace(LearnSettings(), reference=reference, n=n)
    if window is not None:
        settings = replace(settings, window=window)
    return replace(settings, fit=with_fit_overrides(settings.fit, overrides))


def with_fit_overrides(fit: FitSettings, overrides: Mapping[str, str]) -> FitSettings:
    """Return settings of a training with some values replaced.

    Args:
        fit: Settings of the training.
        overrides: Values by dotted name, such as `fit.epochs`.

    Raises:
        ConfigError: For an unknown key, or a value of the wrong type.
    """
    for key, value in overrides.items():
        table, _, name = key.partition(".")
        if table != "fit":
            raise ConfigError(f"Settings of the trainings are fit.NAME, received {key!r}.")
        fit = with_overrides(fit, {name: value}, "fit.")
    return fit


@dataclass(frozen=True, eq=False)
class LearningPlan:
    """First run, settings and files of a learning run, which are the same for all rounds.

    Attributes:
        run: Folder of the first run.
        out: Folder of the learning run.
        settings: Settings; the name of the reference method is not empty.
    """

    run: Path
    out: Path
    settings: LearnSettings

    @cached_property
    def record(self) -> RunRecord:
        """The first run."""
        return read_run(self.run)

    @cached_property
    def symmetry(self) -> Symmetry:
        """Symmetry of the molecule."""
        return symmetry_of(self.record.molecule)

    @cached_property
    def held_out(self) -> Float[np.ndarray, "m N 3"]:
        """Conformers that are never labelled, Å. They are stored, because the first run may be resumed."""
        n, window = self.settings.n_held_out, self.settings.window
        path = self.out / "held-out.npz"
        return cached_arrays(path, lambda: {"positions": draw_held_out(self.record, n, window)})["positions"]

    @property
    def mirror(self) -> bool:
        """Whether mirror images are the same conformer."""
        return merges_mirror_images(self.symmetry, self.settings_of(0).identity)

    def folder(self, number: int) -> Path:
        """Return the folder of a round; round 0 evaluates the first network.

        Args:
            number: Number of the round.
        """
        return self.out / f"round-{number}"

    def run_of(self, number: int) -> Path:
        """Return the folder of the run at the end of a round.

        Args:
            number: Number of the round; 0 for the first run.
        """
        return self.folder(number) / "run" if number else self.run

    def settings_of(self, number: int) -> Settings:
        """Return the settings of the run of a round: those of the first run with the model of the round.

        A search of a round has no limit of the uncertainty, because what is uncertain there is labelled next.

        Args:
            number: Number of the round; 0 for the first run.
        """
        settings = stored_settings(self.record.config)
        if not number:
            return settings
        hopping = replace(settings.hopping, max_uncertainty=ANY_LEVEL)
        return replace(settings, potential=str(self.folder(number) / "model"), hopping=hopping)


def make_plan(run: Path, out: Path, settings: LearnSettings) -> LearningPlan:
    """Return the plan of a learning run, and check that it can be carried out.

    Args:
        run: Folder of the first run.
        out: Folder of the learning run.
        settings: Settings of the learning run.

    Raises:
        InputError: When the network of the run cannot be trained, or when the run has too few conformers.
        ConfigError: When the reference method is not that of the network, or `out` contains a learning run with other
            settings.
    """
    reference = checked_reference(_reference_of(Session.open(run)), settings.reference, f"The network of {run}")
    plan = LearningPlan(run.resolve(), out.resolve(), replace(settings, reference=reference))
    keep_settings(
        out,
        {"run": str(plan.run), **asdict(plan.settings)},
        f"{out} contains a learning run with other settings than requested; only --rounds and --processes may "
        "change. Repeat the call that started it, or choose another --out.",
    )
    if not len(plan.held_out):
        raise InputError(
            f"{run} has fewer than three conformers within {settings.window:g} eV, so that none can be held out to "
            "measure the error. Explore longer: pes-explore run --resume."
        )
    return plan


def checked_reference(trained_on: str, wanted: str, what: str) -> str:
    """Return the reference method that labels for a network; by default, its own one.

    Args:
        trained_on: Reference method of the network; empty where it is not stored.
        wanted: Reference method that the user asked for; empty for none.
        what: The network, as the subject of a sentence.

    Raises:
        ConfigError: When the two methods differ, or when SO3LR is needed and was not fetched.
    """
    reference = wanted or trained_on or "gfn2"
    require_fetched(reference, what)
    if trained_on and public_reference(reference) != trained_on:
        raise ConfigError(
            f"{what} was trained on labels of {trained_on}, received {reference}: energies of two "
            f"methods do not mix. Leave out --reference, or train a network on {reference} and explore with it."
        )
    return reference


def why_untrainable(name: str) -> str:
    """Return what a potential is, if it is none that can be trained here; empty for one that can.

    Args:
        name: Name of the potential, as for `load_potential`.
    """
    others = {LENNARD_JONES: "Lennard-Jones", ASE_PREFIX: "an ASE calculator", SO3LR_PREFIX: "the published SO3LR"}
    others[MLFF_PREFIX] = "a checkpoint of mlff that was not imported"
    what = next((text for prefix, text in others.items() if name.startswith(prefix)), "")
    return what or ("a network with dispersion" if read_model(name).hyperparameters.dispersion else "")


def _reference_of(session: Session) -> str:
    """Return the name of the reference method of the network of a run.

    Raises:
        InputError: When the potential is not a network that can be trained, or is no longer the one of the run.
    """
    name = session.settings.potential
    if what := why_untrainable(name):
        raise InputError(
            f"The run was made with {what} ({name}), which cannot be trained here. Explore with a shipped model or "
            "one that pes-explore train has made, and learn from that run."
        )
    session.require_same_model()
    return read_model(name).hyperparameters.reference
