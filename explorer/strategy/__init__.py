"""Choice of the next hop of each walker and evaluation of finished hops. Host code without JAX."""
