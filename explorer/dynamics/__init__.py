"""Molecular dynamics: integrators, velocities, batches of trajectories, and the stability test."""
