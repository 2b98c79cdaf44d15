"""Schedule of the learning rate: warm-up, constant phase, decay."""


def rate(step: int, warmup: int, decay: tuple[int, int] | None = None) -> float:
    """Return the share of the highest learning rate in a step.

    The rate rises linearly, stays constant, and is multiplied by 1 - √x at a fraction x of the decay. The constant
    phase has no fixed length: it can be prolonged, and the decay can begin from any state of it.

    Args:
        step: Number of the step, from 0.
        warmup: Number of steps to the highest rate.
        decay: First step and length of the decay; None before the decay.

    Source: Hägele et al., Scaling laws and compute-optimal training beyond fixed training durations (2024),
    doi:10.48550/arXiv.2405.18392.
    """
    up = min(1.0, (step + 1) / (warmup + 1))
    if decay is None:
        return up
    first, length = decay
    return up * (1 - ((step - first) / length) ** 0.5)
