"""Command line of `pes-explore`: one module per command."""

import time

IMPORTED = time.time()  # s since 1970; this is imported before everything else
