"""What the judge cannot go on with; every message names the place and the cure, and never a key."""

__all__ = ["JudgeError"]


class JudgeError(Exception):
    """A rubric, configuration, cache or endpoint that cannot be used, in words for the user."""
