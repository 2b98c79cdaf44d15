"""Tables of the report, and panels that consist of them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Row(NamedTuple):
    """Row of a table.

    Attributes:
        cells: Values of the cells.
        structure: Index of the structure that a click on the row shows; None for no structure.
    """

    cells: tuple[Any, ...]
    structure: int | None = None


@dataclass(frozen=True)
class Table:
    """Table of a panel.

    Attributes:
        columns: Headings; none for a list of names and values.
        rows: Rows.
        title: Heading above the table.
        words: Indices of the left-aligned columns.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    title: str = ""
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class ReportBlock:
    """Panel that consists of tables.

    Attributes:
        key: Id of its HTML element, after `panel-`.
        title: Heading.
        explanation: Short text below the heading.
        parts: Tables.
        absent: HTML text that is shown in place of missing tables.
    """

    key: str
    title: str
    explanation: str
    parts: list[Table] = field(default_factory=list)
    absent: str = ""
