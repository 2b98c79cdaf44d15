"""The HTML report of a run: panels, tables and the page that holds them; all numbers come from `analysis`."""
