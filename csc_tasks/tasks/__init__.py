"""lm-eval's task classes: thin adapters from the harness's hooks to protocol, generation and metrics.

May import everything in csc_tasks but results and commands; a live judge only when one is asked for.
"""
