"""What is done with results after the run: collect, compare, rank, gate."""
