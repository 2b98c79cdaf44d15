"""Preparation of the process and of JAX before a command computes forces."""

import os


def prepare_device() -> None:
    """Enable huge pages for XLA, which may restart the process, and float64; use every CPU core as a device."""
    from cli.environment import prepare_environment

    # programs from the compilation cache make XLA warn about CPU features that are only compiler settings
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prepare_environment()
    from explorer.devices import configure_jax

    configure_jax()
