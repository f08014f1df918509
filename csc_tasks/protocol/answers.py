"""A model's answer as it comes from the backend, before anybody reads it."""

from __future__ import annotations

__all__ = ["ServedAnswer", "clean", "has_failed", "served_by"]


def clean(raw: object) -> str:
    """The raw reply as text that can be logged: '' for ``None``, lone surrogates replaced by '?'.

    A lone surrogate (half an emoji, as some servers cut them) would make the sample log of the whole
    task unwritable.
    """
    if raw is None:
        return ""
    text = raw if isinstance(raw, str) else str(raw)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


class ServedAnswer(str):
    """An answer of an endpoint: a text, with what else the server said of it.

    ``failure`` is why it is none, '' if it is one; ``model`` is who the server says answered. In a cache it is a
    plain text, which anybody can read.
    """

    failure: str
    model: str

    def __new__(cls, text: str, failure: str = "", model: str = "") -> ServedAnswer:
        """An answer, or why there is none."""
        answer = super().__new__(cls, text)
        answer.failure, answer.model = failure, model
        return answer

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def has_failed(answer: object) -> bool:
    """Whether an error stands in the answer's place."""
    return bool(getattr(answer, "failure", ""))


def served_by(answer: object) -> str:
    """The model that the server says it answered with; '' where that is not told."""
    return str(getattr(answer, "model", ""))
