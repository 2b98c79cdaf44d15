"""Settings of a training: learning rate, number of epochs, batch size and weights of the loss."""

from dataclasses import dataclass

from explorer.errors import ConfigError

_LARGEST = 10**6  # of any number of a training; not tuned


@dataclass(frozen=True)
class FitSettings:
    """Settings of a training.

    Attributes:
        epochs: Passes over the training frames at the highest learning rate; a larger number prolongs a training.
        decay_epochs: Further passes, during which the learning rate decreases to zero.
        batch_size: Frames per step.
        learning_rate: Highest learning rate of Muon (`optimizer.make_optimizer`).
        warmup: Steps to the highest learning rate.
        energy_weight: Weight of the energy in the loss relative to the forces, 1/Å².
        torque_weight: Weight of the torques about bonds in the loss relative to the forces, rad²/Å².
        force_delta: Force error above which the loss grows linearly and not quadratically, eV/Å. The smaller it is,
            the closer the loss is to the mean absolute error.
        ema_decay: Decay of the moving average of the parameters, which is validated and stored in the checkpoint.
        seed: Seed of the initial parameters and of the order of frames.

    Raises:
        ConfigError: When a value is out of range.
    """

    epochs: int = 50
    decay_epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 1e-2
    warmup: int = 500
    energy_weight: float = 1.0
    torque_weight: float = 0.0
    force_delta: float = 0.1
    ema_decay: float = 0.999
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "decay_epochs", "batch_size", "warmup", "energy_weight", "torque_weight"):
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
