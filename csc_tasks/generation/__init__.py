"""How answers are got: dialogues in rounds, what fits a window, answers that outlive a failure, and the floors.

May import: data, protocol, harness, and lm-eval. No scoring comes in.
"""
