"""Errors that a user can cause. Any other exception is a bug."""


class ExplorerError(Exception):
    """Base class of these errors. The message states what was wanted, what was received, and what to try.

    The command line prints it without a traceback and exits with code 1.
    """


class InputError(ExplorerError):
    """The molecule cannot be read or cannot be explored."""


class ConfigError(ExplorerError):
    """A setting is unknown or out of range."""


class CheckpointError(ExplorerError):
    """A model cannot be found or loaded."""


class StoreError(ExplorerError):
    """A run cannot be created, opened or continued."""


class ExplorerWarning(UserWarning):
    """Warning for people about results that need care. The command line prints it in one line."""
