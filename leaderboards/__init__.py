"""What is done with results after the run: read, compare, rank, gate, show. Knows no model and no network."""
