"""After the run: reading sample logs and results files back, and scoring them again without the model.

May import: data, protocol, metrics. No endpoint and no lm-eval comes in.
"""
