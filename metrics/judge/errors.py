"""What judging cannot go on with; every message names the place and the cure."""

__all__ = ["JudgeError"]


class JudgeError(Exception):
    """A rubric, verdicts or ratings that cannot be used, in words for the user."""
