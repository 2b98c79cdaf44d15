"""Benchmarks of the parts of the program, and the systems they run on.

A benchmark is a module with three functions: `measure` computes the figures as a dictionary of plain values, `rows` (or
`cells`, one table row at a time) formats them for the terminal, and `write` stores them as JSON, and as SVG if there is
a picture. `pes-explore bench NAME` calls them; docs/benchmarks.md lists the published figures.
"""
