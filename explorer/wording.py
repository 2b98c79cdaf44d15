"""Numbers with their nouns, times and errors of other programs, as texts for people."""

from math import isfinite


def counted(number: float, noun: str, plural: str = "") -> str:
    """Return a number and its noun, in the singular for 1.

    Args:
        number: Number of items, or a quantity.
        noun: Singular of the noun.
        plural: Plural of the noun; by default the singular and `s`.

    >>> counted(1, "minimum", "minima"), counted(0, "hop")
    ('1 minimum', '0 hops')
    """
    shown = f"{number:g}" if isinstance(number, float) else str(number)
    return f"{shown} {noun if number == 1 else plural or noun + 's'}"


def in_one_line(message: object, longest: int = 200) -> str:
    """Return a message as one printable line, or its type where it is empty.

    Args:
        message: Text or error of another program, which may quote the content of a damaged file.
        longest: Number of characters; a longer message is cut.

    >>> in_one_line(ValueError("bad header\\nat byte 0")), in_one_line(EOFError())
    ('bad header at byte 0', 'EOFError')
    """
    text = "".join(character if character.isprintable() else " " for character in str(message))
    line = " ".join(text.split()) or type(message).__name__
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def number_text(value: float | None, digits: int = 2) -> str:
    """Return a number with its decimals, or a dash where there is none.

    Args:
        value: Number; None, NaN or infinite where there is none.
        digits: Decimals.

    >>> number_text(1.234), number_text(None), number_text(float("nan"))
    ('1.23', '–', '–')
    """
    return "–" if value is None or not isfinite(value) else f"{value:.{digits}f}"


_TIMES = (
    ("fs", 1e-15), ("ps", 1e-12), ("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("minutes", 60.0),
    ("hours", 3600.0), ("days", 86400.0), ("years", 3.156e7),
)  # fmt: skip
_FOREVER = 1e12  # years, beyond which no figure helps


def time_in_words(seconds: float) -> str:
    """Return a time to two digits in the largest unit that fits, from femtoseconds to years.

    Args:
        seconds: Time, s.

    >>> time_in_words(3.14e-6), time_in_words(7300), time_in_words(float("inf"))
    ('about 3.1 µs', 'about 2 hours', 'never')
    """
    if seconds != seconds:
        return "not known"
    if seconds / _TIMES[-1][1] > _FOREVER:
        return "never" if seconds == float("inf") else "longer than 10^12 years"
    unit, size = next(((u, s) for u, s in reversed(_TIMES) if seconds >= s), _TIMES[0])
    value = float(f"{seconds / size:.2g}")
    return f"about {value:,.0f} {unit}" if value >= 10 else f"about {value:g} {unit}"
