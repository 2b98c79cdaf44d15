"""Static polarisabilities and C6 coefficients of free atoms in atomic units, the reference of the dispersion."""

import numpy as np
from jaxtyping import Float

# atomic number: polarisability (Bohr³), C6 (Hartree Bohr⁶); Chu & Dalgarno, J. Chem. Phys. 121, 4083 (2004),
# doi:10.1063/1.1779576, as used by Tkatchenko & Scheffler, Phys. Rev. Lett. 102, 073005 (2009)
FREE_ATOMS = {
    1: (4.5, 6.5),
    6: (12.0, 46.6),
    7: (7.4, 24.2),
    8: (5.4, 15.6),
    9: (3.8, 9.52),
    15: (25.0, 185.0),
    16: (19.6, 134.0),
    17: (15.0, 94.6),
}


def free_atom_table(n_elements: int) -> Float[np.ndarray, "Z 2"]:
    """Return `FREE_ATOMS` as a table by atomic number, with 1 for padding (0) and NaN for missing elements."""
    table = np.full((n_elements, 2), np.nan)
    table[0] = 1.0
    for number, values in FREE_ATOMS.items():
        table[number] = values
    return table
