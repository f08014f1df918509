"""What the machine gives and takes: signals, locks, worker processes, open files, and a user's YAML, read safely.

May import errors, and nothing else of csconv's.
"""
