"""Bonds, stereocentres and torsions of a molecule, and classification of structures by their changes."""
