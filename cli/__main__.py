"""Entry point of `python -m cli`, which is the same as `pes-explore`."""

from cli.main import main

main()
