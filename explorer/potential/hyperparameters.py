"""Hyperparameters of a SO3krates network, stored as JSON beside the parameters."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ase.data import chemical_symbols

from explorer.errors import CheckpointError
from explorer.files import write_json
from explorer.potential.free_atoms import FREE_ATOMS
from explorer.potential.model_files import read_model_json

# functions of flax.linen by their names there; "gelu" is the approximation by tanh
ACTIVATIONS = (
    "identity", "silu", "swish", "relu", "relu6", "gelu", "elu", "celu", "selu", "leaky_relu", "softplus",
    "sigmoid", "soft_sign", "tanh", "log_sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
)  # fmt: skip

# Smallest and largest values. The largest are beyond every published network; they catch damaged files, whose networks
# would not fit into memory. Not tuned.
RANGES: dict[str, tuple[float, float]] = {
    "n_features": (1, 4096),
    "n_heads": (1, 4096),
    "degrees": (0, 8),
    "n_channels": (1, 64),
    "filter_channels": (0, 64),
    "n_layers": (1, 32),
    "n_radial": (1, 512),
    "n_polynomials": (1, 4096),
    "filter_widths": (1, 8192),
    "initial_euclidean": (0, 1e4),
    "cutoff": (0.5, 100),
    "average_neighbors": (1e-3, 1e4),
    "norms": (1, 3),
    "residual_mlps": (1, 2),
    "head_width": (0, 8192),
    "n_members": (1, 256),
    "zbl_scale": (-1e4, 1e4),
    "zbl_shift": (-1e9, 1e9),
    "electrostatics_scale": (1e-3, 1e3),
    "dispersion_scale": (1e-3, 1e3),
    "trained_elements": (1, 118),
    "atomic_energies": (-1e15, 1e15),
    "energy_shifts": (-1e15, 1e15),  # a published fit to a single composition has -5.5e12 eV
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Sizes and variants of the network; the defaults are those of the published SO3LR network without its long range.

    The original SO3krates is `degrees=(1, 2, 3), radial_basis="physnet",
    cutoff_function="cosine", cutoff=5.0, attention_scale="sqrt_features",
    layer_norm=False, residual_mlp=False, charge_spin_embedding=False, zbl=False`.

    Attributes:
        n_features: Number of features F of an atom; divisible by `n_heads`, and by the number of degrees times
            `n_channels`.
        n_heads: Heads of the feature attention; the Euclidean attention has one head per degree and channel.
        degrees: Degrees of the Euclidean variables.
        n_channels: Euclidean variables of each degree; 1 as published. Each channel has an attention of its own, and
            products of all pairs of channels are coupled to invariants, which resolve more of the angles between
            neighbours.
        filter_channels: Channels in the filters of pairs, each the sum of `n_channels / filter_channels` channels;
            0 for all channels. The invariants of all pairs of channels are needed at the atoms; in the filters they
            are expensive for every pair and matter less.
        n_layers: Number of message-passing layers.
        n_radial: Number of radial basis functions.
        radial_basis: "bernstein", "physnet", "bessel", "gaussian" for learned Gaussians, or "chebyshev" for learned
            sums of Chebyshev polynomials.
        n_polynomials: Number of those polynomials.
        radial_filter: "mlp" as published, or "linear" in the radial basis.
        value_filter: Whether values are multiplied by a filter of the distance beside the attention, which has only
            one weight per head; as in a continuous-filter convolution (Schütt et al., J. Chem. Phys. 148, 241722
            (2018), doi:10.1063/1.5019779).
        filter_widths: Widths of the hidden layers of the filter networks: for the feature attention and for the
            Euclidean attention, those of the radial and those of the spherical network, None for no spherical
            network. Empty for one radial layer of `n_features` and one spherical layer of a quarter of them.
        initial_euclidean: Divisor s of the initial Euclidean variables (1/s) Σ_j f_c Y_lm; 0 if they start at zero.
        activation: Activation function of filters and residual MLPs, by its name in Flax.
        cutoff_function: "phys" (polynomial), "cosine", "exponential" or "dimenet" (polynomial).
        cutoff: Cutoff of the messages, Å.
        attention_scale: "neighbors" divides attention weights by `average_neighbors`, "sqrt_features" by the square
            root of the number of features per head, "one" does not divide them.
        attention_activation: Activation function of queries and keys.
        average_neighbors: Mean number of neighbours in the training data.
        layer_norm: Whether there are layer norms, after the attention and at the end of each layer.
        norms: Which layer norms there are: 1 and 2, and 3 at the end of a layer with `pre_norm`.
        residual_mlp: Whether there is a residual MLP after the first layer norm.
        residual_mlps: Which residual MLPs there are: 1 before the exchange, 2 after it.
        pre_norm: Whether a layer is that of the original SO3krates code: norms act on the input of the attention and
            of the exchange, and a residual MLP replaces the features instead of adding to them.
        charge_spin_embedding: Whether total charge and unpaired electrons are embedded.
        embedded_states: Which of both, "charge" and "spin".
        energy_activation: Activation function of the heads: energies, charges and Hirshfeld ratios.
        head_width: Width of the hidden layer of the heads; 0 for as wide as the features.
        n_members: Number of energy heads on the same features, a committee. The energy is the mean of their
            energies; their spread estimates its uncertainty.
        zbl: Whether there is a learned Ziegler-Biersack-Littmark repulsion below 1.5 Å.
        zbl_scale: Factor of that repulsion.
        zbl_shift: Energy that is subtracted from the repulsion of a molecule, eV.
        electrostatics: Whether there are learned partial charges with their Coulomb energy.
        electrostatics_scale: Width of the smeared charges, Å.
        dispersion: Whether there are learned Hirshfeld ratios with the dispersion energy that follows from them.
        dispersion_scale: Factor of the damping length of the dispersion.
        trained_elements: Atomic numbers in the training data; molecules with other elements are refused.
        atomic_energies: Energies of the `trained_elements`, eV. They are subtracted from the labels and not added
            back, so that float32 energies keep their digits.
        energy_shifts: Energies by atomic number, eV, which an imported model adds to the energies that it reports.
            The ASE calculator adds them in float64; a search, in which they cancel, leaves them out.
        reference: Method of the training labels.
        training_data: File name and sha256 of the training data.
        tuned_from: Digest of the network with whose parameters the training started; empty for random parameters.
    """

    n_features: int = 128
    n_heads: int = 4
    degrees: tuple[int, ...] = (1, 2, 3, 4)
    n_channels: int = 1
    filter_channels: int = 0
    n_layers: int = 3
    n_radial: int = 32
    radial_basis: str = "bernstein"
    n_polynomials: int = 96
    radial_filter: str = "mlp"
    value_filter: bool = False
    filter_widths: tuple[tuple[tuple[int, ...] | None, ...], ...] = ()
    initial_euclidean: float = 0.0
    activation: str = "silu"
    cutoff_function: str = "phys"
    cutoff: float = 4.5
    attention_scale: str = "neighbors"
    attention_activation: str = "identity"
    average_neighbors: float = 13.168995780096482
    layer_norm: bool = True
    norms: tuple[int, ...] = (1, 2)
    residual_mlp: bool = True
    residual_mlps: tuple[int, ...] = (1,)
    pre_norm: bool = False
    charge_spin_embedding: bool = True
    embedded_states: tuple[str, ...] = ("charge", "spin")
    energy_activation: str = "silu"
    head_width: int = 0
    n_members: int = 1
    zbl: bool = True
    zbl_scale: float = 1.0
    zbl_shift: float = 0.0
    electrostatics: bool = False
    electrostatics_scale: float = 4.0
    dispersion: bool = False
    dispersion_scale: float = 1.2
    trained_elements: tuple[int, ...] = (1, 6, 7, 8, 9, 15, 16, 17)
    atomic_energies: tuple[float, ...] = ()
    energy_shifts: tuple[float, ...] = ()
    reference: str = ""
    training_data: str = ""
    tuned_from: str = ""

    def __post_init__(self):
        for name, (least, largest) in RANGES.items():
            for value in _numbers(getattr(self, name)):
                if not least <= value <= largest:
                    raise CheckpointError(f"{name} must be between {least:g} and {largest:g}, received {value}.")
        for name, n in (("atomic_energies", len(self.trained_elements)), ("embedded_states", 2)):
            if len(getattr(self, name)) > n or (name == "atomic_energies" and len(self.atomic_energies) not in (0, n)):
                raise CheckpointError(f"{name} must have {n} entries, received {len(getattr(self, name))}.")
        if len(set(self.trained_elements)) < len(self.trained_elements):
            raise CheckpointError(f"trained_elements must be without repetition, received {self.trained_elements}.")
        for divisor, name in ((self.n_heads, "n_heads"), (self.n_euclidean, "the number of degrees times n_channels")):
            if self.n_features % divisor:
                raise CheckpointError(
                    f"n_features must be divisible by {name} ({divisor}), received {self.n_features}."
                )
        if self.n_channels % self.n_filter_channels:
            raise CheckpointError(
                f"n_channels must be divisible by filter_channels ({self.filter_channels}), received {self.n_channels}."
            )
        choices = {
            "radial_basis": ("bernstein", "physnet", "bessel", "gaussian", "chebyshev"),
            "radial_filter": ("mlp", "linear"),
            "cutoff_function": ("phys", "cosine", "exponential", "dimenet"),
            "attention_scale": ("neighbors", "sqrt_features", "one"),
            "embedded_states": ("charge", "spin"),
            **dict.fromkeys(("activation", "attention_activation", "energy_activation"), ACTIVATIONS),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            unknown = [one for one in (value if isinstance(value, tuple) else (value,)) if one not in allowed]
            if unknown:
                raise CheckpointError(f"{name} must be one of {allowed}, received {unknown[0]!r}.")
        if list(self.degrees) != sorted(set(self.degrees)) or min(self.degrees, default=-1) < 0:
            raise CheckpointError(f"degrees must be ascending and without repetition, received {self.degrees}.")
        unknown = [chemical_symbols[number] for number in self.trained_elements if number not in FREE_ATOMS]
        if self.dispersion and unknown:
            raise CheckpointError(
                f"Dispersion is available for {' '.join(chemical_symbols[number] for number in FREE_ATOMS)} only, "
                f"received a model that was also trained on {' '.join(unknown)}. Choose another model."
            )

    @property
    def n_euclidean(self) -> int:
        """Number of Euclidean variables of an atom, one per degree and channel."""
        return len(self.degrees) * self.n_channels

    @property
    def n_filter_channels(self) -> int:
        """Number of channels in the filters of pairs."""
        return self.filter_channels or self.n_channels

    def filter_layers(self, kind: str) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
        """Return the widths of the hidden layers of a radial and a spherical filter; None for no spherical filter.

        Args:
            kind: "feature" or "euclidean".
        """
        of_kind: dict[str, Any] = dict(zip(("feature", "euclidean"), self.filter_widths, strict=False))
        radial, spherical = of_kind.get(kind, ((self.n_features,), (self.n_features // 4,)))
        return (radial or ()) if self.radial_filter == "mlp" else (), spherical


def write_hyperparameters(path: Path, hyperparameters: Hyperparameters) -> None:
    """Write hyperparameters as indented JSON."""
    write_json(asdict(hyperparameters), path)


def read_hyperparameters(path: Path) -> Hyperparameters:
    """Read hyperparameters written by `write_hyperparameters`.

    Raises:
        CheckpointError: If the file is not JSON, has unknown keys, or has a value of another type or out of range.
    """
    raw, types = read_model_json(path), get_type_hints(Hyperparameters)
    unknown = set(raw) - {f.name for f in fields(Hyperparameters)}
    if unknown:
        raise CheckpointError(f"{path} has unknown keys {sorted(unknown)}; it may come from a newer version.")
    values: dict[str, Any] = {name: _as_tuples(value) for name, value in raw.items()}
    for name, value in values.items():
        if not _fits(value, types[name]):
            raise CheckpointError(f"{path}: {name} must be like {types[name]}, received {str(value)[:60]!r}.")
    try:
        return Hyperparameters(**values)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error} Get the file again.") from None


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(entry) for entry in value) if isinstance(value, list) else value


def _numbers(value: Any) -> Iterable[float]:
    """All numbers in a value that may be nested."""
    if isinstance(value, tuple):
        return [number for entry in value for number in _numbers(entry)]
    return [] if value is None else [value]


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value of a JSON file has the type of a field; whole numbers are numbers."""
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(entry, get_args(kind)[0]) for entry in value)
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if kind is float:
        return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 2**63)
    return type(value) is kind or (kind is type(None) and value is None)
