"""Case cards, and customers who play them: what they want, know, and tell only when asked; how far a case has come.

May import: data, framework, metrics, chat, generation. Scripted conversations for training are made from cards, too.
"""
