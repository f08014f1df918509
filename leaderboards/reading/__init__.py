"""From results files to numbers: which runs there are, whose they are, which count, and their sums.

May import: csc_tasks.results and protocol, metrics. Nothing formatted comes in.
"""
