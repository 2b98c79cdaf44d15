"""The errors that a user can cause; everything else that is raised is a bug."""


class ExplorerError(Exception):
    """What was wanted, what came, what to try: printed without a traceback, exit code 1."""


class InputError(ExplorerError):
    """A molecule that cannot be read or cannot be explored."""


class ConfigError(ExplorerError):
    """A setting that is unknown or out of range."""


class CheckpointError(ExplorerError):
    """A model that cannot be found or loaded."""


class StoreError(ExplorerError):
    """A run that cannot be created, opened or continued."""
