"""Geometry optimisation: relaxers in internal and Cartesian coordinates, and tight relaxation in float64."""
