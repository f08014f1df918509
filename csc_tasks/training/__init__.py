"""Training: files of examples from conversations or verdicts, in the formats of the tools that train, with a card.

May import: everything beneath tasks and commands. Nothing here needs a GPU; what trains is in the extra `train`.
"""
