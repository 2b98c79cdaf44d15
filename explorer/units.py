"""Physical constants in the units of the project: Å, eV, fs, amu, K, e (CODATA 2018)."""

BOLTZMANN = 8.617333262e-5  # eV / K
KCAL_PER_MOL = 0.0433641042  # eV
ACCELERATION = 9.64853321e-3  # (Å / fs²) per (eV / Å / amu)
SPEED_OF_LIGHT = 2.99792458e-5  # cm / fs
PLANCK = 4.135667696  # eV fs
