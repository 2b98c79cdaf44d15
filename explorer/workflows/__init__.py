"""One file per command: what is done to a run or to structures, from stored input to stored result."""
