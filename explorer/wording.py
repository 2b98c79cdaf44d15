"""Numbers with their nouns, as texts for people."""


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
