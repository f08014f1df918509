"""A model at an OpenAI-compatible endpoint: attempts, pauses, and what came of a request."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit

from csc_tasks.chat.completion import EMPTY, error_in, read_completion
from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.faults import PARAMETERS, rule_for, speaks_of_schemas
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest
from csc_tasks.chat.pacing import Traffic, pause
from csc_tasks.chat.parameters import cure_for
from csc_tasks.chat.retries import LONGEST_PAUSE, backoff, retry_after
from csc_tasks.chat.transport import NoResponse, Response, Transport
from csc_tasks.chat.words import shown

__all__ = ["Endpoint"]

logger = logging.getLogger(__name__)

_HIDDEN = "[key]"
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
MAX_IN_VAIN = 2
"""Answers without a text, with and without a schema, after which the schema is not to blame for the next."""


class Blame(Enum):
    """How likely it is the schema's fault that no text came."""

    NONE = 0
    PERHAPS = 1
    """Servers have such faults without one: only if it happens twice."""
    SURE = 2


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request: an answer, or a reason to try again with what the server says about when."""

    answer: ChatAnswer | None
    reason: str = ""
    pause: float | None = None
    schema: Blame = Blame.NONE
    lost: bool = False

    @property
    def answered(self) -> bool:
        """Whether the server answered, with a text or without."""
        return self.answer is not None and self.answer.status is AnswerStatus.ANSWERED

    @property
    def text(self) -> bool:
        """Whether an answer with a text came."""
        return self.answered and self.answer is not None and bool(self.answer.text.strip())

    @property
    def tokens(self) -> int:
        """Tokens of the request and its answer."""
        return self.answer.prompt_tokens + self.answer.completion_tokens if self.answer else 0


class Endpoint:
    """An endpoint while it is in use (``async with``).

    Args:
        config: which model is asked, and how.
        traffic: of all who ask the same server; by default it is asked by nobody else.

    Raises:
        ChatError: the key is not set, or aiohttp is not installed.
    """

    def __init__(self, config: EndpointConfig, traffic: Traffic | None = None) -> None:
        self._config = config
        self._key = config.key()
        self._transport = Transport(config, self._key)
        self._traffic = traffic or Traffic(config.requests_per_minute, config.tokens_per_minute)
        self._with_schema = config.json_schema != "off"
        self._schema_works = config.json_schema == "on"
        self._answered = False
        self._doubt = asyncio.Lock()
        self._in_vain = 0

    async def __aenter__(self) -> Endpoint:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def ask(self, request: ChatRequest, stop: asyncio.Event) -> ChatAnswer:
        """Ask until there is an answer, the retries are used up, or ``stop`` is set between two attempts."""
        estimate = float(request.tokens + self._config.longest)
        attempts = lost = retries = 0
        reason, without = "", False
        while True:
            await self._traffic.requests.take(1.0, stop)
            await self._traffic.tokens.take(estimate, stop)
            await self._traffic.standstill.over(stop)
            if stop.is_set():
                status = AnswerStatus.FAILED if attempts else AnswerStatus.UNASKED
                return ChatAnswer(status, reason=reason, attempts=attempts, lost=lost)
            with_schema = self._with_schema and request.schema is not None and not without
            attempts += 1
            attempt = await self._attempt(request, with_schema)
            lost += attempt.lost
            self._traffic.tokens.correct(attempt.tokens - estimate)
            doubted = with_schema and not self._schema_works and attempt.schema is not Blame.NONE
            last = attempt.answer is not None or retries >= self._config.retries
            if doubted and last and attempt.schema is Blame.SURE:
                plain = await self._ask_without_schema(request, attempt.answered, stop)
                if plain is not None:
                    attempts += 1
                    lost += plain.lost + attempt.answered  # paid for, and nothing came of it
                    attempt, without = plain, True
            elif doubted:  # what is asked again anyway goes without it, once or at once
                without = attempt.schema is Blame.SURE or retries > 0
            if without and attempt.text and not self._schema_works:
                # Only a text that comes without it proves that the schema was the reason.
                self._do_without_schema()
            answer = attempt.answer
            if answer is not None:
                if attempt.answered:
                    self._answered = True
                    self._schema_works = self._schema_works or (
                        with_schema and self._with_schema and attempt.text
                    )
                return answer if attempts == 1 and not lost else answer.but(attempts=attempts, lost=lost)
            reason = attempt.reason
            if retries >= self._config.retries or stop.is_set():
                return ChatAnswer(
                    AnswerStatus.FAILED, reason=reason, attempts=attempts, lost=lost, retries=retries
                )
            if attempt.pause is None:
                await pause(backoff(self._config, retries), stop)
            elif attempt.pause <= LONGEST_PAUSE:
                self._traffic.standstill.hold(attempt.pause)
            else:
                reason = f"{reason}; it asks to wait {attempt.pause:.0f} s"
                return ChatAnswer(AnswerStatus.FATAL, reason=reason, attempts=attempts, lost=lost)
            retries += 1

    async def _ask_without_schema(
        self, request: ChatRequest, paid: bool, stop: asyncio.Event
    ) -> _Attempt | None:
        """Ask without a schema, one request after the other until it is known whether that helps.

        ``None`` if it is known by now that it does not. ``paid`` says that the answer under the schema was one, without
        a text: if that is so without the schema as well, it is not asked twice of every request.
        """
        async with self._doubt:
            if self._schema_works or (paid and self._in_vain >= MAX_IN_VAIN):
                return None
            if self._with_schema:
                plain = await self._send_without_schema(request, stop)
                self._in_vain += paid and not plain.text
                if plain.text:
                    self._do_without_schema()
                return plain
        return await self._send_without_schema(request, stop)

    async def _send_without_schema(self, request: ChatRequest, stop: asyncio.Event) -> _Attempt:
        await self._traffic.requests.take(1.0, stop)
        attempt = await self._attempt(request, with_schema=False)
        self._traffic.tokens.correct(attempt.tokens)
        return attempt

    def _do_without_schema(self) -> None:
        if self._with_schema:
            logger.warning("%s knows no JSON schema; answers are read from its text", self._config.base_url)
        self._with_schema = False

    async def _attempt(self, request: ChatRequest, with_schema: bool) -> _Attempt:
        fields = self._fields(request, with_schema)
        try:
            response = await self._transport.post(
                json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
            )
        except NoResponse as error:
            if error.final:
                return _Attempt(ChatAnswer(AnswerStatus.FATAL, reason=error.reason))
            if error.hopeless:
                failed = ChatAnswer(AnswerStatus.FAILED, reason=error.reason)
                return _Attempt(failed, lost=error.sent, schema=Blame.SURE)
            unsure = Blame.PERHAPS if error.sent else Blame.NONE
            return _Attempt(None, error.reason, lost=error.sent, schema=unsure)
        if 200 <= response.status < 300 and (attempt := self._read(response, request)) is not None:
            return attempt
        return self._refused(response, fields)

    def _fields(self, request: ChatRequest, with_schema: bool) -> dict[str, Any]:
        """The request."""
        fields = self._config.sent
        if self._config.seed is not None:
            fields["seed"] = self._config.seed + request.seed + request.attempt
        if with_schema and request.schema is not None:
            wrapped = {"name": request.schema.name, "strict": True, "schema": request.schema.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": wrapped}
        fields["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        return fields

    def _read(self, response: Response, request: ChatRequest) -> _Attempt | None:
        """The answer in the body of a response; ``None`` if it is no chat completion."""
        try:
            body = json.loads(response.text)
        except (ValueError, RecursionError):
            return None
        # Here and not in the body, for JSON may write a key's characters in another way.
        answer = read_completion(body, request, self._config.limit, response.latency, hide=self._without_key)
        if answer is None:
            return None
        if answer.status is AnswerStatus.ANSWERED and not answer.text.strip():
            if answer.reason == EMPTY and not answer.cut_off:
                return _Attempt(None, EMPTY, lost=True, schema=Blame.SURE)
            return _Attempt(answer, schema=Blame.SURE)
        return _Attempt(answer)

    def _refused(self, response: Response, fields: dict[str, Any]) -> _Attempt:
        """What a response means that is no answer."""
        status, error = response.status, error_in(response.text)
        said = shown(self._without_key(error.words))
        well = 200 <= status < 300
        if well and (error.body is None or not said):
            plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), response.text[:2000])
            begin = shown(self._without_key(plain), 80) or "nothing"
            reason = f"HTTP {status}: the server's response is not a chat completion ({begin})"
        elif well:
            reason = f"HTTP {status} with an error in it: {said}"
        else:
            reason = f"HTTP {status}" + (f": {said}" if said else "")
        code = error.code if well and error.code else status
        if self._transport.through and code in (407, 502, 503, 504):
            reason += f" ({self._transport.through})"
        body = self._without_key(response.text)
        rule = rule_for(code, body, self._answered, keyed=bool(self._key))
        schema = Blame.SURE if rule.schema or speaks_of_schemas(body) else Blame.NONE
        if (
            not self._answered
            and code in PARAMETERS
            and (cure := cure_for(self._config, fields, error.body, said))
        ):
            return _Attempt(ChatAnswer(AnswerStatus.FATAL, reason=f"{reason}; {cure}"))
        if rule.status is None:
            if schema is Blame.NONE and (well or code == 500):
                schema = Blame.PERHAPS
            # A server that says that it failed charges nothing; one that says that all is well may.
            return _Attempt(None, reason, retry_after(response.retry_after), schema, lost=well)
        reason += rule.hint.format(url=self._transport.url, target=self._target(response.location))
        return _Attempt(ChatAnswer(rule.status, reason=reason), schema=schema)

    def _target(self, location: str | None) -> str:
        """Where a redirect leads, as a base_url, without whatever a query or a user may hold."""
        try:
            parts = urlsplit(urljoin(self._transport.url, location or ""))
            host = parts.hostname or ""
            place = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "") + parts.path
        except ValueError:
            return "no address"
        return shown(self._without_key(place.removesuffix("/chat/completions")), 120)

    def _without_key(self, text: str) -> str:
        """A server's text with the key taken out, in case it repeats what it was sent."""
        return text.replace(self._key, _HIDDEN) if self._key else text
