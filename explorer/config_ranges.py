"""Ranges of settings: largest values that make sense, and one form of message for all that are out of range."""

from dataclasses import fields

from explorer.errors import ConfigError

# Largest values that make sense, in the units of the settings. They catch wrong units and typing errors; not tuned.
MAXIMA: dict[str, float] = {
    "seed": 2**32 - 1,  # the random numbers have 32 bits
    "training_frames": 10**6,
    "temperature": 10**5,
    "calculator_timeout": 10**7,
    "relax.fmax": 10.0,
    "relax.energy_change": 1.0,
    "relax.step": 1.0,
    "relax.max_steps": 10**6,
    "relax.trust_radius": 2.0,
    "hopping.n_walkers": 2**16,
    "hopping.ticks_per_round": 10**5,
    "hopping.n_softening": 1000,
    "hopping.softening_length": 1.0,
    "hopping.softening_step": 1.0,
    "hopping.temperature_ladder": 100.0,
    "hopping.temperature_max": 10**5,
    "hopping.ediff_max": 100.0,
    "hopping.beta_same": 10.0,
    "hopping.beta_known": 10.0,
    "hopping.beta_visits": 10.0,
    "hopping.alpha_rejected": 10.0,
    "hopping.mdmin": 1000,
    "hopping.max_dynamics_steps": 10**5,
    "hopping.time_step": 20.0,
    "hopping.hydrogen_mass": 200.0,
    "identity.energy_window": 10.0,
    "identity.rmsd": 10.0,
    "budget.minutes": 10**7,
    "budget.window": 100.0,
}
_LARGEST = 10**12  # of the other numbers, such as hops and force calls


def require(condition: bool, name: str, wanted: str, received: object) -> None:
    """Raise a ConfigError that names a setting, what was wanted and what was received, unless a condition holds.

    Args:
        condition: Condition.
        name: Dotted key of the setting.
        wanted: What the value must be.
        received: The value.
    """
    if not condition:
        raise ConfigError(f"{name} must be {wanted}, received {str(received)[:60]}.")


def check_sizes(settings: object, group: str) -> None:
    """Check that all numbers of a settings dataclass are finite and not larger than makes sense.

    Args:
        settings: Settings dataclass.
        group: Dotted prefix of its keys.

    Raises:
        ConfigError: For a number that is too large or not finite.
    """
    for field_ in fields(settings):  # pyright: ignore[reportArgumentType]
        name, value = f"{group}{field_.name}", getattr(settings, field_.name)
        if isinstance(value, int | float):
            largest = MAXIMA.get(name, _LARGEST)
            require(abs(value) <= largest, name, f"at most {largest:g}", value)
