"""A customer played by a model at an endpoint: a director who knows the goal, and a customer who is told one step.

May import: what roleplay may. Nothing of it is loaded where customers are scripted.
"""
