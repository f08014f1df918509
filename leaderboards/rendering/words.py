"""Texts as they stand in a page: in its first language, and marked where a script may change them to another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from csc_tasks.leaderboards.rendering.language import Language, spec_of, spec_of_value, text, value

__all__ = ["Words"]


class Words:
    """What a template calls for its texts.

    Args:
        languages: of the page, the first shown first. Of one alone nothing is marked.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.language = languages[0]
        self.several = len(languages) > 1

    def t(self, key: str, **values: Any) -> Any:
        """A text of the table as an element."""
        return self._element(text(key, self.language, **values), key, values)

    def attribute(self, name: str, key: str, **values: Any) -> Any:
        """An attribute whose text is in the table."""
        return self._attribute(name, text(key, self.language, **values), key, values)

    def say(self, words: Any) -> Any:
        """A sentence as an element; what :func:`~csc_tasks.leaderboards.rendering.language.column_text` makes, too.

        A text from outside is only escaped.
        """
        spec = spec_of(words) if isinstance(words, str) else words
        if isinstance(spec, str):
            from markupsafe import escape

            return escape(spec)
        values = {name: given for name, given in spec.items() if name != "@"}
        return self._element(self.plain(words), spec["@"], values)

    def say_in(self, name: str, words: Any) -> Any:
        """The same as an attribute."""
        spec = spec_of(words) if isinstance(words, str) else words
        if isinstance(spec, str):
            from markupsafe import Markup

            return Markup('{}="{}"').format(name, spec)
        values = {key: given for key, given in spec.items() if key != "@"}
        return self._attribute(name, self.plain(words), spec["@"], values)

    def marks(self, words: Any) -> Any:
        """The attributes by which a script knows the text of an element that the template writes itself."""
        from markupsafe import Markup

        spec = spec_of(words) if isinstance(words, str) else words
        if isinstance(spec, str) or not self.several:
            return ""
        values = {name: given for name, given in spec.items() if name != "@"}
        return Markup(' data-t="{}"').format(spec["@"]) + self._values("data-t-values", values)

    def plain(self, words: Any) -> str:
        """The words alone, in the first language."""
        return value(words, self.language)

    def _element(self, shown: str, key: str, values: dict[str, Any]) -> Any:
        from markupsafe import Markup, escape

        if not self.several:
            return escape(shown)
        return Markup('<span data-t="{}"{}>{}</span>').format(
            key, self._values("data-t-values", values), shown
        )

    def _attribute(self, name: str, shown: str, key: str, values: dict[str, Any]) -> Any:
        from markupsafe import Markup

        own = Markup('{}="{}"').format(name, shown)
        if not self.several:
            return own
        more = self._values(f"data-t-{name}-values", values)
        return own + Markup(' data-t-{}="{}"{}').format(name, key, more)

    def _values(self, attribute: str, values: dict[str, Any]) -> Any:
        from markupsafe import Markup

        if not values:
            return ""
        written = json.dumps(
            {name: spec_of_value(given) for name, given in values.items()}, ensure_ascii=False
        )
        return Markup(' {}="{}"').format(attribute, written)
