"""Records of a run as plain frozen dataclasses of numpy arrays and values. No JAX."""
