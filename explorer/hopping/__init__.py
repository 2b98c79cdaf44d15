"""Minima hopping engine: walkers in a batch on the device, and the coordinator that directs them from the host."""
