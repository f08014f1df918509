"""What is asked of a model and how its answer is read and scored: prompts, turns, replies, options, signature.

May import: data, metrics, storage. Nothing of lm-eval, endpoints or results files comes in.
"""
