"""Uncertainty of a network: spread of its committee, distance from the training data, and expected errors."""
