"""Sizes of arrays that molecules of about the same size share, so that they share compiled programs."""

_N_DIGITS = 4  # binary digits that are kept: a size grows by 12 % at most and by 4 % on average


def rounded_size(n: int) -> int:
    """Round a size up to four significant binary digits.

    >>> [rounded_size(n) for n in (7, 22, 41, 42, 44, 101)]
    [7, 22, 44, 44, 44, 104]
    """
    step = 2 ** max(0, n.bit_length() - _N_DIGITS)
    return -(-n // step) * step
