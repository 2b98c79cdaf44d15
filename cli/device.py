"""The first thing a command does that computes forces."""


def prepare_device() -> None:
    """Huge pages for XLA's temporaries (this may start the process anew), float64, every core a device."""
    from cli.environment import ensure_huge_pages

    ensure_huge_pages()
    from explorer.devices import configure_jax

    configure_jax()
