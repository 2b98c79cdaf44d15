"""Refusal of unpaired electrons by models that know no spin, and a warning for the others."""

import warnings

from explorer.errors import ExplorerWarning, InputError


def check_spin(multiplicity: int, knows_spin: bool, model_name: str) -> None:
    """Check that a model can tell a multiplicity from a singlet.

    Args:
        multiplicity: 2 S + 1.
        knows_spin: Whether the number of unpaired electrons is an input of the model.
        model_name: Name of the model, for the message.

    Raises:
        InputError: For a multiplicity other than 1 if the model knows no spin.
    """
    if multiplicity == 1:
        return
    if not knows_spin:
        raise InputError(
            f"The multiplicity is {multiplicity}, but {model_name} knows no spin: its energies would be those of the "
            "singlet. Use an ASE calculator (--potential ase:...), or give a singlet: a molecule without unpaired "
            "electrons, and no --multiplicity."
        )
    warnings.warn(
        f"The multiplicity is {multiplicity}. {model_name} takes it as an input, but was trained on singlets, so its "
        "energies are extrapolations. Check them with another method.",
        ExplorerWarning,
        stacklevel=2,
    )
