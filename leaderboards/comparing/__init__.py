"""Two models on the same turns: paired differences, the comparison, the gate and its power.

May import: reading, metrics. Nothing formatted comes in.
"""
