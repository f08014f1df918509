"""What a response that is no answer means: ask again, give this request up, or give up altogether. One table."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from csc_tasks.chat.messages import AnswerStatus

__all__ = ["PARAMETERS", "RULES", "Rule", "rule_for", "speaks_of_schemas"]

PARAMETERS = (200, 400, 404, 422)
"""Codes of responses that may name a field of the request that is not taken."""

_ANY = range(1000)
_OK = range(200, 300)
"""A status that says all is well over a body that says it is not."""
_LONGEST = 20_000
_CREDIT = re.compile(
    r"insufficient[ _]?(?:quota|balance|credit|funds)|current quota|credit balance|arrearage|billing_hard_limit"
    r"|余额不足|欠费"
)
_KEY = re.compile(
    r"(?:invalid|incorrect|wrong|missing|expired|no|unknown)[ _-]"
    r"(?:(?:api|access|auth|bearer)[ _-]?(?:key|token)|credentials)"
    r"|api[ _-]?key (?:is |has )?(?:not valid|invalid|incorrect|missing|expired|not found)"
    r"|invalid_?authentication|authentication (?:failed|error)|unauthori[sz]ed|login fail|密钥(?:无效|错误)"
)
_MODEL = re.compile(
    r"model_?not_?found|(?:unknown|invalid|no such|unsupported) model"
    r"|(?:model|deployment)\b[^\n]{0,120}(?:not found|not exist|not available|not a valid|not supported|unknown)"
    r"|模型不存在"
)
# Not "model names are case-sensitive".
_FILTERED = re.compile(
    r"content[ _-]?filter|content[ _-]?policy|content management policy|data[ _]?inspection|content exists risk"
    r"|responsible[ _-]?ai|safety (?:system|filter|polic)|\bmoderation\b"
    r"|(?<![a-z])(?<!case.)sensitive(?! to\b)|敏感|违规|不安全"
)


_SCHEMA = re.compile(r"response_?format|json[ _]?schema|guided|grammar|structured output|schema")


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of response means.

    ``status`` is what becomes of the request, ``None`` that it is asked again; ``hint`` what a user is told,
    with ``{url}`` for the address that was asked and ``{target}`` for the one that a redirect names. The rule holds
    for HTTP ``codes`` and, where given, for bodies with certain ``words`` (in lower case), for a server that has
    ``answered`` before or not, for requests with a key or without (``keyed``). After a ``schema`` rule a request
    with a schema is asked once more without it, for servers say in many words, or none, that they know no schemas.
    """

    codes: Collection[int]
    status: AnswerStatus | None
    hint: str = ""
    words: re.Pattern[str] | None = None
    answered: bool | None = None
    keyed: bool | None = None
    schema: bool = False

    def holds(self, code: int, body: str, answered: bool, keyed: bool) -> bool:
        """Whether it says something about this response."""
        return (
            code in self.codes
            and (self.words is None or self.words.search(body) is not None)
            and self.answered in (None, answered)
            and self.keyed in (None, keyed)
        )


_FAILED, _REFUSED, _FATAL = AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.FATAL
_ADDRESS = "; check model and base_url (asked: {url})"

RULES = (
    # No pause brings money.
    Rule({*_OK, 400, 402, 403, 429}, _FATAL, "; the account has no credit", words=_CREDIT),
    Rule({501, 505}, _FATAL, _ADDRESS, schema=True),
    # 424: what it asked in turn failed; 499: a proxy gave up; 529: overloaded.
    Rule({408, 409, 424, 425, 429, 499, *range(500, 1000)}, None),
    Rule(
        {301, 302, 303, 307, 308},
        _FATAL,
        "; it redirects to {target}, and that is not followed, for it would carry the key elsewhere: set base_url",
    ),
    # Only of a server that has not answered yet: later it is the text that is at fault, whatever words it brings.
    Rule({*_OK, 400, 403}, _FATAL, "; check the key", words=_KEY, answered=False),
    Rule({*_OK, 400, 422}, _FATAL, _ADDRESS, words=_MODEL, answered=False),
    Rule({*_OK, 400, 403, 406, 422}, _REFUSED, words=_FILTERED),
    Rule({451}, _REFUSED),
    Rule(_OK, None),
    Rule({400, 422}, _FAILED, schema=True),
    Rule({406, 415}, _FAILED, schema=True),
    Rule({413, 414}, _FAILED),
    # A key that was good enough a moment ago: it is this text that is not allowed.
    Rule({403}, _FAILED, answered=True),
    Rule({401}, _FATAL, "; check the key", keyed=True),
    Rule({401}, _FATAL, "; it wants a key, name its variable in api_key_env"),
    Rule({403}, _FATAL, "; check the key and what it is allowed"),
    Rule({402}, _FATAL, "; the account has no credit"),
    Rule({407}, _FATAL, "; the proxy wants a user and a password"),
    Rule({404, 405, 410}, _FATAL, _ADDRESS),
    Rule(range(400, 500), _FAILED, answered=True),
    Rule(_ANY, _FATAL, _ADDRESS),
)
"""The first that holds counts."""


def rule_for(code: int, body: str, answered: bool, keyed: bool) -> Rule:
    """The rule for a response that is no chat completion.

    Args:
        code: HTTP's.
        body: what the server said.
        answered: the server has answered a request before.
        keyed: a key was sent.
    """
    body = body[:_LONGEST].lower()
    return next(rule for rule in RULES if rule.holds(code, body, answered, keyed))


def speaks_of_schemas(body: str) -> bool:
    """Whether a server names the schema of a request in what it complains of."""
    return _SCHEMA.search(body[:_LONGEST].lower()) is not None
