"""Settings of a training: learning rate, number of epochs, batch size and weights of the loss."""

from dataclasses import dataclass

from explorer.errors import ConfigError

_LARGEST = 10**6  # of any number of a training; not tuned


@dataclass(frozen=True)
class FitSettings:
    """Settings of a training.

    Attributes:
        epochs: Epochs at the highest learning rate; a larger number prolongs a training.
        decay_epochs: Further epochs, during which the learning rate decreases to zero.
        epoch_frames: Training frames of an epoch; all of them if 0. With many frames, short epochs lose less of a
            training that is stopped: its state is kept after every epoch.
        minutes: Time of the training, min; `epochs` and `decay_epochs` are then its largest numbers of epochs, and
            the ratio of the two phases. Without a limit if 0.
        batch_size: Frames per step.
        learning_rate: Highest learning rate of Muon (`optimizer.make_optimizer`).
        warmup: Steps to the highest learning rate.
        energy_weight: Weight of the energy in the loss relative to the forces, 1/Å².
        torque_weight: Weight of the torques about bonds in the loss relative to the forces, rad²/Å².
        force_delta: Force error above which the loss grows linearly and not quadratically, eV/Å. The smaller it is,
            the closer the loss is to the mean absolute error.
        force_limit: Largest force of a frame of full weight, eV/Å. The weight of a frame with a larger force is
            force_limit / force.
        ema_decay: Decay of the moving average of the parameters, which is validated and stored in the checkpoint.
        seed: Seed of the initial parameters and of the order of frames.

    Raises:
        ConfigError: When a value is out of range.
    """

    epochs: int = 50
    decay_epochs: int = 10
    epoch_frames: int = 0
    minutes: float = 0.0
    batch_size: int = 8
    learning_rate: float = 1e-2
    warmup: int = 500
    energy_weight: float = 1.0
    torque_weight: float = 0.0
    force_delta: float = 0.1
    force_limit: float = 25.0
    ema_decay: float = 0.999
    seed: int = 0

    def __post_init__(self):
        names = (
            "epochs",
            "decay_epochs",
            "epoch_frames",
            "minutes",
            "batch_size",
            "warmup",
            "energy_weight",
            "torque_weight",
        )
        for name in names:
            least = int(name in ("epochs", "batch_size"))
            if not getattr(self, name) >= least:
                raise ConfigError(f"fit.{name} must be at least {least}, received {getattr(self, name)}.")
            if getattr(self, name) > _LARGEST:
                raise ConfigError(f"fit.{name} must be at most {_LARGEST}, received {getattr(self, name)}.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"fit.seed must be between 0 and 4294967295, received {self.seed}.")
        if not 0 < self.learning_rate <= 1:
            raise ConfigError(f"fit.learning_rate must be above 0 and at most 1, received {self.learning_rate}.")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"fit.ema_decay must be at least 0 and below 1, received {self.ema_decay}.")
        if not 0 < self.force_delta <= _LARGEST:
            raise ConfigError(f"fit.force_delta is an error in eV/Å above 0, received {self.force_delta}.")
        if not self.force_limit > 0:
            raise ConfigError(f"fit.force_limit is a force in eV/Å above 0, received {self.force_limit}.")
