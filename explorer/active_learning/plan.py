"""What holds for all rounds of a learning run: where it begins, how it is done, where its files are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from explorer.active_learning.cached import cached_arrays
from explorer.active_learning.held_out import held_out
from explorer.config import Settings
from explorer.config_file import ASE_PREFIX, keep, with_overrides
from explorer.errors import ConfigError, InputError
from explorer.potential.load import LENNARD_JONES, PUBLISHED, ModelInfo, read_model
from explorer.records.run import RunRecord
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.store.read import read_run
from explorer.train.trainer import FitSettings
from explorer.workflows.run import require_same_model

# a few thousand steps at nearly the rate of a training from the start, most of them while the rate falls
TUNING = FitSettings(epochs=25, decay_epochs=35, learning_rate=8e-3, warmup=100, ema_decay=0.99)


@dataclass(frozen=True)
class LearnSettings:
    """How a network learns from its own runs.

    Attributes:
        reference: name of the method; empty for that of the network.
        n: structures that are labelled in each round, with their surroundings.
        n_held_out: conformers of the first run, at most a third, that are never labelled and show the error.
        window: eV above the lowest conformer, of what is labelled and held out.
        fit: of the training in each round.
    """

    reference: str = ""
    n: int = 80
    n_held_out: int = 12
    window: float = 0.5
    fit: FitSettings = field(default_factory=lambda: TUNING)

    def __post_init__(self):
        for name in ("n", "n_held_out"):
            if getattr(self, name) < 3:
                raise ConfigError(f"{name} must be at least 3, received {getattr(self, name)}.")


def learn_settings(reference: str, n: int, window: float | None, overrides: Mapping[str, str]) -> LearnSettings:
    """The settings of a learning run.

    Args:
        reference: name of the method; empty for that of the network.
        n: structures in each round.
        window: eV; None for the default.
        overrides: such as `fit.epochs`.

    Raises:
        ConfigError: for an unknown key, or a value of the wrong kind.
    """
    settings = replace(LearnSettings(), reference=reference, n=n)
    if window is not None:
        settings = replace(settings, window=window)
    for key, value in overrides.items():
        table, _, name = key.partition(".")
        if table != "fit":
            raise ConfigError(f"Settings of the trainings are fit.NAME, received {key!r}.")
        settings = replace(settings, fit=with_overrides(settings.fit, {name: value}, "fit."))
    return settings


@dataclass(frozen=True, eq=False)
class LearningPlan:
    """A learning run.

    Attributes:
        run: folder of the run that it begins with.
        out: its own folder.
        settings: of the learning; the reference is named.
    """

    run: Path
    out: Path
    settings: LearnSettings

    @cached_property
    def record(self) -> RunRecord:
        """The run that it begins with."""
        return read_run(self.run)

    @cached_property
    def symmetry(self) -> Symmetry:
        """Of the molecule."""
        return symmetry_of(self.record.molecule)

    @cached_property
    def held_out(self) -> Float[np.ndarray, "m N 3"]:
        """Conformers that are never labelled, Å; drawn once, for the first run may go on."""
        n, window = self.settings.n_held_out, self.settings.window
        path = self.out / "held-out.npz"
        return cached_arrays(path, lambda: {"positions": held_out(self.record, n, window)})["positions"]

    @property
    def mirror(self) -> bool:
        """Whether mirror images are the same conformer."""
        return merges_mirror_images(self.symmetry, self.settings_of(0).identity)

    def folder(self, number: int) -> Path:
        """Of a round; round 0 is what is known before anything is learned."""
        return self.out / f"round-{number}"

    def run_of(self, number: int) -> Path:
        """The run whose landscape a round ends with."""
        return self.folder(number) / "run" if number else self.run

    def settings_of(self, number: int) -> Settings:
        """Settings of the run of a round: those of the first one with the model of the round."""
        settings: Settings = with_overrides(Settings(), self.record.config)
        return replace(settings, potential=str(self.folder(number) / "model")) if number else settings


def make_plan(run: Path, out: Path, settings: LearnSettings) -> LearningPlan:
    """The course of a learning run, refused where it cannot be gone.

    Raises:
        InputError: when the run was made by no network that can be trained, or holds too few conformers.
        ConfigError: when `out` holds a learning run that was begun with other settings.
    """
    known = _reference_of(read_run(run))
    reference = settings.reference or known or "gfn2"
    if known and reference != known:
        raise ConfigError(
            f"The network of {run} was trained on labels of {known}, received {reference}: energies of two methods do "
            f"not mix. Leave out --reference, or train a network on {reference} and explore with it."
        )
    course = LearningPlan(run.resolve(), out.resolve(), replace(settings, reference=reference))
    keep(
        out,
        {"run": str(course.run), **asdict(course.settings)},
        f"{out} holds a learning run with other settings than asked for now; only --rounds and --processes may "
        "change. Repeat the call that began it, or choose another --out.",
    )
    if not len(course.held_out):
        raise InputError(
            f"{run} holds fewer than three conformers within {settings.window:g} eV, so that none can be held out to "
            "check with. Explore longer: pes-explore run --resume."
        )
    return course


def _reference_of(record: RunRecord) -> str:
    """The reference of the network of a run.

    Raises:
        InputError: when it is no network, none that can be trained, or not the one of the run any more.
    """
    name = record.config["potential"]
    others = {LENNARD_JONES: "Lennard-Jones", ASE_PREFIX: "an ASE calculator", PUBLISHED: "the published SO3LR"}
    what = next((text for prefix, text in others.items() if name.startswith(prefix)), "")
    if not what:
        network = read_model(name)
        require_same_model(record, ModelInfo(name, digest=network.digest))
        what = "a network with dispersion" if network.hyperparameters.dispersion else ""
        if not what:
            return network.hyperparameters.reference
    raise InputError(
        f"The run was made with {what} ({name}), which is not trained here. Explore with a shipped model or one that "
        "pes-explore train has made, and learn from that run."
    )
