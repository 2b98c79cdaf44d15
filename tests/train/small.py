"""Settings of a network and a training that are small enough for many tests."""

from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.settings import FitSettings

HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    charge_spin_embedding=False,
    zbl=False,
)
SETTINGS = FitSettings(epochs=30, decay_epochs=10, batch_size=4, learning_rate=5e-2, warmup=20, ema_decay=0.9)
