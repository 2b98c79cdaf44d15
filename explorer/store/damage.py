"""Messages about damaged rows in the file of a run."""

from collections.abc import Sequence
from pathlib import Path

from explorer.errors import StoreError
from explorer.store.checksums import DamagedRow

_MAX_LISTED = 5  # damaged rows in a message; not tuned


def describe_damage(damaged: Sequence[DamagedRow]) -> str:
    """Return the damaged rows as a text, such as `minimum 3, hop 17 and 2 more`.

    Args:
        damaged: At least one damaged row.
    """
    names = [f"{one.table} {one.row}" if one.table else "the definition of the tables" for one in damaged]
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def refuse_damage(path: Path, damaged: Sequence[DamagedRow]) -> None:
    """Refuse to use a run that is damaged.

    Args:
        path: File of the run.
        damaged: Damaged rows, if any.

    Raises:
        StoreError: If there is one.
    """
    if damaged:
        raise StoreError(
            f"{path} is damaged: {describe_damage(damaged)} {'differs' if len(damaged) == 1 else 'differ'} from what "
            "was written. Restore it from a backup, or start a new run."
        )
