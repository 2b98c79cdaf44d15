"""Potentials: the SO3krates network and its files, the Lennard-Jones potential, and the interfaces to ASE."""
