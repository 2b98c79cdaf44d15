"""Numbers of a run for the summary, the report and the command line; nothing is drawn here."""
