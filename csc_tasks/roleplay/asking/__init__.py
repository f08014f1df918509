"""Asking a model to play a role: versioned prompts whose texts stand between marks, and readers of what it answers."""
