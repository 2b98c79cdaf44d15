"""Molecular symmetry, RMSD over permutations of equal atoms, and removal of duplicate structures."""
