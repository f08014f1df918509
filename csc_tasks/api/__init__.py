"""csconv from Python: what ``import csc_tasks`` offers, each name loaded when it is first used.

May import: everything below the commands. No command line and no lm-eval task comes in.
"""
