"""Search for transition states between the minima of a run: paths, refinement, descents to both minima, rounds."""
