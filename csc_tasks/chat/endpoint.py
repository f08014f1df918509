"""One question to an OpenAI-compatible endpoint: attempts, pauses, and what came of it.

aiohttp carries the requests and not the ``openai`` package: that one spends 3.3 ms of processor time a
request, which is 300 requests a second at most, aiohttp 0.4 ms.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from csc_tasks.chat.pacing import Gate, Pacer, pause, retry_after
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.metrics.judge.prompt import Question, tokens_in
from csc_tasks.metrics.judge.verdict import NO_USAGE, Usage, as_json

__all__ = ["Answer", "AnswerStatus", "Endpoint"]

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 900.0
"""Seconds; a server that asks to wait longer is taken to be out of quota."""
_RETRIABLE = {408, 409, 425, 429}
_FILTERED = ("content_filter", "content_policy", "content management policy", "data_inspection", "sensitive")
_HIDDEN = "[key]"


class AnswerStatus(Enum):
    """What became of a question."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    FATAL = "fatal"
    """Nothing more can be asked: the key, the address or the quota is wrong."""
    UNASKED = "unasked"
    """Nothing was sent: the run was stopped while the question waited for its turn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``reason`` says why it is not :attr:`AnswerStatus.ANSWERED`.

    ``latency`` in seconds, of the last attempt; ``lost`` the attempts that were sent and ended without an
    answer, for which the server may charge all the same.
    """

    outcome: AnswerStatus
    text: str = ""
    reason: str = ""
    cut_off: bool = False
    usage: Usage = NO_USAGE
    latency: float = 0.0
    attempts: int = 1
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request: an answer, or a reason to try again with what the server says about when."""

    answer: Answer | None
    reason: str = ""
    pause: float | None = None
    schema_refused: bool = False
    lost: bool = False


class Endpoint:
    """An endpoint while it is in use (``async with``)."""

    def __init__(self, config: JudgeConfig) -> None:
        self._config = config
        self._key = config.key()
        self._url = f"{config.base_url}/chat/completions"
        self._requests = Pacer(config.requests_per_minute)
        self._tokens = Pacer(config.tokens_per_minute)
        self._gate = Gate()
        self._with_schema = config.json_schema != "off"
        self._schema_works = config.json_schema == "on"
        self._answered = False
        self._jitter = random.Random()
        self._session: aiohttp.ClientSession | None = None
        self._proxy = _proxy_for(config.base_url)
        self._starts: dict[tuple[str, bool], bytes] = {}

    async def __aenter__(self) -> Endpoint:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._config.concurrency),
            # For the whole answer, so that a server which drips byte after byte cannot hold a place for ever.
            timeout=aiohttp.ClientTimeout(total=self._config.timeout),
            headers=headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def ask(self, question: Question, schema: Mapping[str, Any], stop: asyncio.Event) -> Answer:
        """Ask until there is an answer, the retries are used up, or ``stop`` is set between two attempts."""
        estimate = float(question.tokens + self._config.max_tokens)
        attempts = lost = retries = 0
        reason = ""
        while True:
            await self._requests.take(1.0, stop)
            await self._tokens.take(estimate, stop)
            await self._gate.passed(stop)
            if stop.is_set():
                outcome = AnswerStatus.FAILED if attempts else AnswerStatus.UNASKED
                return Answer(outcome, reason=reason, attempts=attempts, lost=lost)
            with_schema = self._with_schema
            attempts += 1
            attempt = await self._attempt(question, schema if with_schema else None)
            lost += attempt.lost
            answer = attempt.answer
            used = answer.usage.prompt + answer.usage.completion if answer else 0
            self._tokens.correct(used - estimate)
            if attempt.schema_refused and with_schema and not self._schema_works:
                # Asked again without; only if that is answered was the schema the reason.
                await self._requests.take(1.0, stop)
                plain = await self._attempt(question, None)
                attempts += 1
                lost += plain.lost
                if plain.answer is not None and plain.answer.outcome is AnswerStatus.ANSWERED:
                    if self._with_schema:
                        logger.warning(
                            "the judge's server knows no JSON schema; verdicts are read from its text"
                        )
                    self._with_schema = False
                answer, attempt = plain.answer, plain
            if answer is not None:
                if answer.outcome is AnswerStatus.ANSWERED:
                    self._answered = True
                    self._schema_works = self._schema_works or (with_schema and self._with_schema)
                return answer if attempts == 1 else replace(answer, attempts=attempts, lost=lost)
            reason = attempt.reason
            if retries >= self._config.retries or stop.is_set():
                return Answer(AnswerStatus.FAILED, reason=reason, attempts=attempts, lost=lost)
            if attempt.pause is not None:
                if attempt.pause > LONGEST_PAUSE:
                    return Answer(
                        AnswerStatus.FATAL,
                        reason=f"{reason}; it asks to wait {attempt.pause:.0f} s",
                        attempts=attempts,
                        lost=lost,
                    )
                self._gate.close_for(attempt.pause)
            else:
                longest = min(self._config.backoff * 2.0**retries, self._config.max_backoff)
                await pause(longest * self._jitter.uniform(0.5, 1.0), stop)
            retries += 1

    async def _attempt(self, question: Question, schema: Mapping[str, Any] | None) -> _Attempt:
        assert self._session is not None
        config = self._config
        start = monotonic()
        try:
            # No redirects: they would carry the key to an address that nobody configured.
            async with self._session.post(
                self._url, data=self._body(question, schema), proxy=self._proxy, allow_redirects=False
            ) as response:
                payload = await response.read()
                status, headers = response.status, response.headers
        except (aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
            what = (
                "its TLS certificate cannot be verified"
                if isinstance(error, aiohttp.ClientSSLError)
                else "no URL"
            )
            return _Attempt(
                Answer(AnswerStatus.FATAL, reason=f"{config.base_url}: {what} ({type(error).__name__})")
            )
        except aiohttp.ClientConnectorError as error:
            return _Attempt(None, f"no connection to {config.base_url} ({type(error).__name__})")
        except TimeoutError:
            return _Attempt(None, f"no complete answer within {config.timeout:g} s", lost=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Not the error's own text: aiohttp puts the request's headers, and so the key, into some.
            return _Attempt(None, f"the connection broke ({type(error).__name__})", lost=True)
        latency = monotonic() - start
        text = self._without_key(payload.decode("utf-8", "replace"))
        if status != 200:
            return self._refused(status, headers.get("Retry-After"), text, schema is not None)
        return self._read(text, latency, question)

    def _body(self, question: Question, schema: Mapping[str, Any] | None) -> bytes:
        """The request as JSON; what is the same in every request is encoded once."""
        start = self._starts.get((question.system, schema is not None))
        if start is None:
            config = self._config
            fields: dict[str, Any] = {
                **config.extra_body,
                "model": config.model,
                "temperature": config.temperature,
                "max_tokens": config.max_tokens,
            }
            if config.seed is not None:
                fields["seed"] = config.seed
            if schema is not None:
                wrapped = {"name": "verdict", "strict": True, "schema": schema}
                fields["response_format"] = {"type": "json_schema", "json_schema": wrapped}
            fields["messages"] = [
                {"role": "system", "content": question.system},
                {"role": "user", "content": ""},
            ]
            start = as_json(fields).removesuffix('""}]}').encode("utf-8", "replace")
            self._starts[question.system, schema is not None] = start
        return b"%b%b}]}" % (start, as_json(question.user).encode("utf-8", "replace"))

    def _read(self, text: str, latency: float, question: Question) -> _Attempt:
        """The answer in the body of a response."""
        try:
            body = json.loads(text)
            choice = body["choices"][0]
            message = choice["message"]
            content, refusal = message.get("content"), message.get("refusal")
            finish = choice.get("finish_reason")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            return _Attempt(None, "the server's response is not a chat completion", lost=True)
        # Once more, for JSON may write a key's characters in another way.
        said = self._without_key(content) if isinstance(content, str) else ""
        usage = _usage(body.get("usage"), question, said)
        answer = Answer(AnswerStatus.ANSWERED, said, usage=usage, latency=latency, cut_off=finish == "length")
        if finish == "content_filter" or (refusal and not said):
            reason = (
                "the content filter stopped the answer"
                if finish == "content_filter"
                else "the judge declined"
            )
            shown = said or (self._without_key(refusal) if isinstance(refusal, str) else "")
            return _Attempt(replace(answer, outcome=AnswerStatus.REFUSED, reason=reason, text=shown))
        if not said.strip() and finish != "length":
            return _Attempt(None, "an empty answer", lost=True)
        return _Attempt(answer)

    def _refused(self, status: int, after: str | None, text: str, with_schema: bool) -> _Attempt:
        """What another status than 200 means."""
        said = " ".join(self._without_key(_error_text(text)).split())[:200]
        reason = f"HTTP {status}" + (f": {said}" if said else "")
        lower = text.lower()
        if status == 429 and "insufficient_quota" in lower:
            return _Attempt(Answer(AnswerStatus.FATAL, reason=f"{reason}; the account has no credit"))
        if status in _RETRIABLE or status >= 500:
            return _Attempt(None, reason, retry_after(after))
        if any(word in lower for word in _FILTERED):
            return _Attempt(Answer(AnswerStatus.REFUSED, reason=reason))
        if status in (400, 422):
            # Servers say in many words, or none, that they know no schema: without it the question may pass.
            return _Attempt(Answer(AnswerStatus.FAILED, reason=reason), schema_refused=with_schema)
        if status in (413, 415) or (status == 403 and self._answered):
            return _Attempt(Answer(AnswerStatus.FAILED, reason=reason))
        hints = {
            401: "; check the key" if self._key else "; it wants a key, name its variable in api_key_env",
            403: "; check the key and what it is allowed",
            402: "; the account has no credit",
            404: f"; check model and base_url (asked: {self._url})",
        }
        return _Attempt(Answer(AnswerStatus.FATAL, reason=reason + hints.get(status, "")))

    def _without_key(self, text: str) -> str:
        """A server's text with the key taken out, in case it repeats what it was sent."""
        return text.replace(self._key, _HIDDEN) if self._key else text


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL.

    Read once: aiohttp's own ``trust_env`` reads it, and ``.netrc``, anew for every request in a thread.
    """
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return None if proxy is None or proxy_bypass(parts.netloc) else proxy


def _usage(counted: object, question: Question, said: str) -> Usage:
    if isinstance(counted, dict):
        prompt, completion = counted.get("prompt_tokens"), counted.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int) and prompt >= 0 and completion >= 0:
            return Usage(prompt, completion)
    return Usage(question.tokens, tokens_in(said), estimated=True)


def _error_text(text: str) -> str:
    """The message in an error response."""
    try:
        error = json.loads(text)
        error = error.get("error", error)
        named = (
            [error.get(field) for field in ("message", "detail", "code")]
            if isinstance(error, dict)
            else [error]
        )
        message = next((text for text in named if text), "")
    except (ValueError, AttributeError, RecursionError):
        message = text
    return str(message)
