"""`python -m cli` is `pes-explore`."""

from cli.main import main

main()
