"""Conversations: what they are, where they come from, how files of them are read and counted; the shipped sets.

May import: framework, errors, storage. Nothing of prompts, models or lm-eval comes in.
"""
