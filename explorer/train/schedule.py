"""How the learning rate goes: up, level, and down in the end."""


def rate(step: int, warmup: int, decay: tuple[int, int] | None = None) -> float:
    """Share of the highest learning rate in a step: linear warm-up, level, and 1 - √x over a fraction x of the decay.

    The level part has no end built in: a training that was cut there goes on as if it had not been, and any state
    of it can be decayed.

    Args:
        step: from 0.
        warmup: steps to the highest rate.
        decay: its first step and its length; None during the level part.

    Source: Hägele et al., Scaling laws and compute-optimal training beyond fixed training durations (2024),
    doi:10.48550/arXiv.2405.18392.
    """
    up = min(1.0, (step + 1) / (warmup + 1))
    if decay is None:
        return up
    first, length = decay
    return up * (1 - ((step - first) / length) ** 0.5)
