"""Molecules from files, SMILES and sequences; structures written to files."""
