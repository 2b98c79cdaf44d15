"""Vibrational analysis: Hessians, normal modes, thermochemistry, and the certification of stationary points."""
