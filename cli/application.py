"""Typer application whose help shows flags as flags and understands -h."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class _Command(TyperCommand):
    """Command whose help has no type beside flags, which take no value."""

    def get_params(self, ctx: Any) -> list:
        return _without_types_of_flags(super().get_params(ctx))


class _Group(TyperGroup):
    """Group of commands with the same help."""

    def get_params(self, ctx: Any) -> list:
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(params: list) -> list:
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""  # Typer would write <bool>
    return params


class Application(typer.Typer):
    """Typer application, for the program and for its groups of commands.

    Args:
        options: Options of `typer.Typer`.
    """

    def __init__(self, **options: Any):
        super().__init__(cls=_Group, context_settings=HELP_NAMES, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable:
        """Register a command; see `typer.Typer.command`."""
        return super().command(name, cls=_Command, **options)
