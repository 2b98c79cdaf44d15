"""The first thing a command does that computes forces."""

import os


def prepare_device() -> None:
    """Huge pages for XLA's temporaries (this may start the process anew), float64, every core a device."""
    from cli.environment import prepare_environment

    # a compiled program that comes from the cache makes XLA complain about features that are settings, not of the CPU
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prepare_environment()
    from explorer.devices import configure_jax

    configure_jax()
