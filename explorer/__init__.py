"""Explore the potential-energy surface of a peptide with a SO3krates neural network."""

__version__ = "0.1.0"
