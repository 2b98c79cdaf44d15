"""What a SO3krates network is made of: readable JSON beside the parameters."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ase.data import chemical_symbols

from explorer.errors import CheckpointError
from explorer.potential.free_atoms import FREE_ATOMS


@dataclass(frozen=True)
class Hyperparameters:
    """Sizes and variants of the network; the defaults are the published SO3LR network without its long range.

    The original SO3krates is `degrees=(1, 2, 3), radial_basis="physnet",
    cutoff_function="cosine", cutoff=5.0, attention_scale="sqrt_features",
    layer_norm=False, residual_mlp=False, charge_spin_embedding=False, zbl=False`.

    Attributes:
        n_features: F; divisible by `n_heads` and by the number of degrees times that of channels.
        n_heads: of the feature attention; the Euclidean attention has one per degree and channel.
        degrees: of the Euclidean variables.
        n_channels: Euclidean variables of each degree, one as published. Each sees the neighbours by attention of its
            own, and each couples with each other to invariants, which tell more of the angles between neighbours.
        filter_channels: that the filters of pairs tell apart, 0 for all: sums of as many channels each. Atoms couple
            each channel with each other; for every pair that is dear, and it is less needed.
        n_layers: message-passing layers.
        n_radial: radial basis functions.
        radial_basis: "bernstein", "physnet", or "chebyshev": learned sums of Chebyshev polynomials.
        radial_filter: "mlp" as published, or "linear" in the radial basis.
        value_filter: values pass a filter of the distance beside the attention, which has only one weight per head: as
            in a continuous-filter convolution (Schütt et al., J. Chem. Phys. 148, 241722 (2018),
            doi:10.1063/1.5019779).
        cutoff_function: "phys" (polynomial) or "cosine".
        cutoff: Å.
        attention_scale: "neighbors" divides by `average_neighbors`, "sqrt_features" by the
            root of the features per head.
        average_neighbors: mean number of neighbours in the training data.
        layer_norm: after the attention and at the end of each layer.
        residual_mlp: after the first layer norm.
        charge_spin_embedding: embed total charge and unpaired electrons.
        energy_activation: "silu" or "identity" in the energy head.
        n_members: energy heads on the same features; the energy is their mean, their spread says how sure it is.
        zbl: learned Ziegler-Biersack-Littmark repulsion below 1.5 Å.
        electrostatics: learned partial charges and their Coulomb energy.
        electrostatics_scale: Å, width of the charges.
        dispersion: learned Hirshfeld ratios and the dispersion energy that follows from them.
        dispersion_scale: of the length at which the dispersion is damped.
        trained_elements: atomic numbers seen in training; others are refused.
        atomic_energies: eV per element of `trained_elements`; subtracted from the labels and
            not added back, so that float32 energies keep their digits.
        reference: method of the training labels.
        training_data: file name and sha256 of the training data.
        tuned_from: digest of the network whose parameters the training began with; empty for random ones.
    """

    n_features: int = 128
    n_heads: int = 4
    degrees: tuple[int, ...] = (1, 2, 3, 4)
    n_channels: int = 1
    filter_channels: int = 0
    n_layers: int = 3
    n_radial: int = 32
    radial_basis: str = "bernstein"
    radial_filter: str = "mlp"
    value_filter: bool = False
    cutoff_function: str = "phys"
    cutoff: float = 4.5
    attention_scale: str = "neighbors"
    average_neighbors: float = 13.168995780096482
    layer_norm: bool = True
    residual_mlp: bool = True
    charge_spin_embedding: bool = True
    energy_activation: str = "silu"
    n_members: int = 1
    zbl: bool = True
    electrostatics: bool = False
    electrostatics_scale: float = 4.0
    dispersion: bool = False
    dispersion_scale: float = 1.2
    trained_elements: tuple[int, ...] = (1, 6, 7, 8, 9, 15, 16, 17)
    atomic_energies: tuple[float, ...] = ()
    reference: str = ""
    training_data: str = ""
    tuned_from: str = ""

    def __post_init__(self):
        for name, least in (("n_channels", 1), ("filter_channels", 0), ("n_members", 1)):
            if getattr(self, name) < least:
                raise CheckpointError(f"{name} must be at least {least}, received {getattr(self, name)}.")
        for parts, what in ((self.n_heads, "n_heads"), (self.n_euclidean, "the number of degrees times n_channels")):
            if self.n_features % parts:
                raise CheckpointError(f"n_features must be divisible by {what} ({parts}), received {self.n_features}.")
        if self.n_channels % self.n_contrasted:
            raise CheckpointError(
                f"n_channels must be divisible by filter_channels ({self.filter_channels}), received {self.n_channels}."
            )
        choices = {
            "radial_basis": ("bernstein", "physnet", "chebyshev"),
            "radial_filter": ("mlp", "linear"),
            "cutoff_function": ("phys", "cosine"),
            "attention_scale": ("neighbors", "sqrt_features"),
            "energy_activation": ("silu", "identity"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise CheckpointError(f"{name} must be one of {allowed}, received {getattr(self, name)!r}.")
        unknown = [chemical_symbols[number] for number in self.trained_elements if number not in FREE_ATOMS]
        if self.dispersion and unknown:
            raise CheckpointError(
                f"Dispersion is known for {' '.join(chemical_symbols[number] for number in FREE_ATOMS)} only, "
                f"received a model that was also trained on {' '.join(unknown)}. Choose another model."
            )

    @property
    def n_euclidean(self) -> int:
        """Euclidean variables of an atom, one per degree and channel."""
        return len(self.degrees) * self.n_channels

    @property
    def n_contrasted(self) -> int:
        """Channels in the filters of pairs."""
        return self.filter_channels or self.n_channels


def write_hyperparameters(path: Path, hyperparameters: Hyperparameters) -> None:
    """Write as indented JSON."""
    path.write_text(json.dumps(asdict(hyperparameters), indent=1) + "\n")


def read_hyperparameters(path: Path) -> Hyperparameters:
    """Read what `write_hyperparameters` wrote.

    Raises:
        CheckpointError: when it is not JSON or has unknown keys.
    """
    try:
        raw = json.loads(path.read_text())
        unknown = set(raw) - {f.name for f in fields(Hyperparameters)}
        if unknown:
            raise CheckpointError(f"{path} has unknown keys {sorted(unknown)}; it may come from a newer version.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        return Hyperparameters(**values)
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path} is not a list of hyperparameters: {error}.") from None
