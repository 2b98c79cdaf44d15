"""Plan of a hunt for errors of a network: its first model, settings and files."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from explorer.active_learning.cached import cached
from explorer.active_learning.hunt_molecules import molecules_of_round
from explorer.active_learning.plan import checked_reference, why_untrainable
from explorer.config import BudgetSettings, HoppingSettings, Settings
from explorer.config_file import keep_settings
from explorer.dataset.recipe import load_recipe
from explorer.errors import ConfigError, InputError
from explorer.potential.load import read_model, training_data_file
from explorer.records.uncertainty import ANY_LEVEL
from explorer.train.settings import FitSettings
from explorer.units import KCAL_PER_MOL

# Few epochs at a third of the learning rate of `learn`, because the network must keep what it has learned of all other
# molecules. Not tuned.
HUNT_TUNING = FitSettings(
    epochs=10,
    decay_epochs=15,
    learning_rate=3e-3,
    warmup=100,
    energy_weight=2.0,
    force_limit=10.0,
    ema_decay=0.99,
)


TRAINED_FILE = "tuned.json"  # written at the end of the training of a round


@dataclass(frozen=True)
class HuntSettings:
    """Settings of a hunt. The field names are the keys of its `settings.json`.

    Attributes:
        reference: Name of the reference method; empty for that of the network.
        second_reference: Method that leaves out doubtful frames (`dataset.second_opinion`); none when empty.
        recipe: File of a recipe whose molecules are searched; empty for random molecules of the domain.
        replay: Old training data; empty for those of the model.
        n: Number of molecules in each round.
        evaluations: Force calls of each search.
        n_finds: Largest number of minima of one molecule that are labelled with the ways into and out of them.
        max_energy_error: Error of a relative energy above which a minimum is wrong, eV.
        max_force_error: Root-mean-square force error above which a minimum is wrong, eV/Å; not tuned.
        replay_ratio: Old frames per new frame in each training; not tuned.
        seed: Seed of molecules, searches and displacements.
        fit: Settings of the training in each round.

    Raises:
        ConfigError: When a number is out of range.
    """

    reference: str = ""
    second_reference: str = ""
    recipe: str = ""
    replay: str = ""
    n: int = 20
    evaluations: int = 2000
    n_finds: int = 8
    max_energy_error: float = 5 * KCAL_PER_MOL
    max_force_error: float = 0.3
    replay_ratio: float = 3.0
    seed: int = 0
    fit: FitSettings = field(default_factory=lambda: HUNT_TUNING)

    def __post_init__(self):
        for name in ("n", "evaluations", "n_finds"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, received {getattr(self, name)}.")
        for name in ("max_energy_error", "max_force_error"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be larger than 0, received {getattr(self, name)}.")


@dataclass(frozen=True, eq=False)
class HuntPlan:
    """First model, settings and files of a hunt, which are the same for all rounds.

    Attributes:
        model: Name of the first model.
        out: Folder of the hunt.
        settings: Settings; the name of the reference method is not empty.
        training_data: Training data of the first model; None if they are missing.
    """

    model: str
    out: Path
    settings: HuntSettings
    training_data: Path | None

    def folder(self, number: int) -> Path:
        """Return the folder of a round.

        Args:
            number: Number of the round, from 1.
        """
        return self.out / f"round-{number}"

    def model_of(self, number: int) -> str:
        """Return the name of the model at the end of a round: that of the last training up to it.

        Args:
            number: Number of the round; 0 for the first model.
        """
        trained = (k for k in range(number, 0, -1) if (self.folder(k) / TRAINED_FILE).exists())
        last = next(trained, None)
        return str(self.folder(last) / "model") if last else self.model

    def molecules(self, number: int) -> dict[str, str]:
        """Return the molecules of a round, SMILES by name; they are stored, since a recipe may change.

        Args:
            number: Number of the round.
        """
        settings, path = self.settings, self.folder(number) / "molecules.json"
        return cached(path, lambda: molecules_of_round(settings.recipe, settings.n, settings.seed, number))

    def search_settings(self, number: int) -> Settings:
        """Return the settings of the searches of a round, on the model of the round before.

        They have no limit of the uncertainty: a hunt follows walkers to what the model does not know.

        Args:
            number: Number of the round.
        """
        return Settings(
            potential=self.model_of(number - 1),
            seed=self.settings.seed + number,
            training_frames=0,
            budget=BudgetSettings(evaluations=self.settings.evaluations, minutes=0.0),
            hopping=HoppingSettings(max_uncertainty=ANY_LEVEL),
        )


def make_hunt_plan(model: str, out: Path, settings: HuntSettings) -> HuntPlan:
    """Return the plan of a hunt, and check that it can be carried out.

    Args:
        model: Name of a network, or the folder of its checkpoint.
        out: Folder of the hunt.
        settings: Settings of the hunt.

    Raises:
        InputError: When the potential cannot be trained, or the old training data are missing.
        ConfigError: When the reference method is not that of the network, the recipe cannot be read, or `out` contains
            a hunt with other settings.
        CheckpointError: When there is no such model.
    """
    if what := why_untrainable(model):
        raise InputError(
            f"{model} is {what}, which cannot be trained here. Hunt on a shipped model or one that pes-explore train "
            "has made."
        )
    network = read_model(model)
    hp = network.hyperparameters
    reference = checked_reference(hp.reference, settings.reference, f"The network {model}")
    if settings.recipe:
        load_recipe(Path(settings.recipe))
    data = Path(settings.replay) if settings.replay else training_data_file(network.folder, hp.training_data)
    if settings.replay and not Path(settings.replay).is_file():
        raise InputError(f"No training data at {settings.replay}. Give the file that {model} was trained on.")
    plan = HuntPlan(model, out.resolve(), replace(settings, reference=reference), data)
    keep_settings(
        out,
        {"model": model, "digest": network.digest, **asdict(plan.settings)},
        f"{out} contains a hunt with another model or other settings than requested; only --rounds and --processes may "
        "change. Repeat the call that started it, or choose another --out.",
    )
    return plan
