"""Comparison of runs with each other, with training data and with other ensembles."""
