"""Analysis of the minima and hops of a run: graphs, populations, free energies and coverage. No JAX."""
