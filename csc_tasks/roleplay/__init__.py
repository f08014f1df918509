"""Case cards: what a customer wants, knows and tells only when asked. Scripted role-play is made from them.

May import: data, framework, metrics. It knows no model and no endpoint; interactive evaluation will extend it.
"""
