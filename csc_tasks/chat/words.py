"""A server's words for a message: one short line in which nothing is hidden, and nothing steers a terminal."""

from __future__ import annotations

__all__ = ["shown"]


def shown(text: str, longest: int = 200) -> str:
    """A text from outside in one line; characters that do not print stand as escapes, ``\\x1b``.

    Args:
        text: anything.
        longest: characters after which it is cut, with an ellipsis.
    """
    line = " ".join(text[: 4 * longest].split())
    if not line.isprintable():
        line = "".join(c if c.isprintable() else _escape(c) for c in line)
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1]}…"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
