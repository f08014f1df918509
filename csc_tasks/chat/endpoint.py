"""A model at an OpenAI-compatible endpoint: attempts, pauses, and what came of a request."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.messages import AnswerStatus, ChatAnswer, ChatRequest, tokens_in
from csc_tasks.chat.pacing import Pacer, Standstill, pause
from csc_tasks.chat.retries import LONGEST_PAUSE, backoff, retry_after, rule_for
from csc_tasks.chat.transport import NoResponse, Transport

__all__ = ["Endpoint"]

logger = logging.getLogger(__name__)

_HIDDEN = "[key]"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request: an answer, or a reason to try again with what the server says about when."""

    answer: ChatAnswer | None
    reason: str = ""
    pause: float | None = None
    schema_refused: bool = False
    lost: bool = False


class Endpoint:
    """An endpoint while it is in use (``async with``).

    Raises:
        ChatError: the key is not set, or aiohttp is not installed.
    """

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._key = config.key()
        self._transport = Transport(config, self._key)
        self._requests = Pacer(config.requests_per_minute)
        self._tokens = Pacer(config.tokens_per_minute)
        self._standstill = Standstill()
        self._with_schema = config.json_schema != "off"
        self._schema_works = config.json_schema == "on"
        self._answered = False

    async def __aenter__(self) -> Endpoint:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def ask(self, request: ChatRequest, stop: asyncio.Event) -> ChatAnswer:
        """Ask until there is an answer, the retries are used up, or ``stop`` is set between two attempts."""
        estimate = float(request.tokens + self._config.max_tokens)
        attempts = lost = retries = 0
        reason = ""
        while True:
            await self._requests.take(1.0, stop)
            await self._tokens.take(estimate, stop)
            await self._standstill.over(stop)
            if stop.is_set():
                status = AnswerStatus.FAILED if attempts else AnswerStatus.UNASKED
                return ChatAnswer(status, reason=reason, attempts=attempts, lost=lost)
            with_schema = self._with_schema and request.schema is not None
            attempts += 1
            attempt = await self._attempt(request, with_schema)
            lost += attempt.lost
            answer = attempt.answer
            self._tokens.correct(
                (answer.prompt_tokens + answer.completion_tokens if answer else 0) - estimate
            )
            if attempt.schema_refused and not self._schema_works:
                # Asked again without; only if that is answered was the schema the reason.
                await self._requests.take(1.0, stop)
                attempts += 1
                attempt = await self._attempt(request, with_schema=False)
                lost += attempt.lost
                answer = attempt.answer
                if answer is not None and answer.status is AnswerStatus.ANSWERED:
                    self._do_without_schema()
            if answer is not None:
                if answer.status is AnswerStatus.ANSWERED:
                    self._answered = True
                    self._schema_works = self._schema_works or (with_schema and self._with_schema)
                return replace(answer, attempts=attempts, lost=lost)
            reason = attempt.reason
            if retries >= self._config.retries or stop.is_set():
                return ChatAnswer(AnswerStatus.FAILED, reason=reason, attempts=attempts, lost=lost)
            if attempt.pause is None:
                await pause(backoff(self._config, retries), stop)
            elif attempt.pause <= LONGEST_PAUSE:
                self._standstill.hold(attempt.pause)
            else:
                reason = f"{reason}; it asks to wait {attempt.pause:.0f} s"
                return ChatAnswer(AnswerStatus.FATAL, reason=reason, attempts=attempts, lost=lost)
            retries += 1

    def _do_without_schema(self) -> None:
        if self._with_schema:
            logger.warning("%s knows no JSON schema; answers are read from its text", self._config.base_url)
        self._with_schema = False

    async def _attempt(self, request: ChatRequest, with_schema: bool) -> _Attempt:
        try:
            response = await self._transport.post(self._body(request, with_schema))
        except NoResponse as error:
            if error.final:
                return _Attempt(ChatAnswer(AnswerStatus.FATAL, reason=error.reason))
            return _Attempt(None, error.reason, lost=error.sent)
        text = self._without_key(response.text)
        if response.status != 200:
            return self._refused(response.status, response.retry_after, text, with_schema)
        return self._read(text, response.latency, request)

    def _body(self, request: ChatRequest, with_schema: bool) -> bytes:
        """The request as JSON."""
        config = self._config
        fields: dict[str, Any] = {
            **config.extra_body,
            "model": config.model,
            "temperature": config.temperature,
            "max_tokens": config.max_tokens,
        }
        if config.seed is not None:
            fields["seed"] = config.seed + request.attempt
        if with_schema and request.schema is not None:
            wrapped = {"name": request.schema.name, "strict": True, "schema": request.schema.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": wrapped}
        fields["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")

    def _read(self, text: str, latency: float, request: ChatRequest) -> _Attempt:
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
        counted = _counted(body.get("usage"))
        prompt, completion = counted or (request.tokens, tokens_in(said))
        answer = ChatAnswer(
            AnswerStatus.ANSWERED,
            said,
            cut_off=finish == "length",
            prompt_tokens=prompt,
            completion_tokens=completion,
            estimated=counted is None,
            latency=latency,
        )
        if finish == "content_filter" or (refusal and not said):
            filtered = finish == "content_filter"
            reason = "the content filter stopped the answer" if filtered else "the model declined"
            shown = said or (self._without_key(refusal) if isinstance(refusal, str) else "")
            return _Attempt(replace(answer, status=AnswerStatus.REFUSED, reason=reason, text=shown))
        if not said.strip() and finish != "length":
            return _Attempt(None, "an empty answer", lost=True)
        return _Attempt(answer)

    def _refused(self, status: int, after: str | None, text: str, with_schema: bool) -> _Attempt:
        """What another status than 200 means."""
        said = " ".join(self._without_key(_error_text(text)).split())[:200]
        reason = f"HTTP {status}" + (f": {said}" if said else "")
        rule = rule_for(status, text, self._answered, keyed=bool(self._key))
        if rule.status is None:
            return _Attempt(None, reason, retry_after(after))
        reason += rule.hint.format(url=self._transport.url)
        return _Attempt(ChatAnswer(rule.status, reason=reason), schema_refused=rule.schema and with_schema)

    def _without_key(self, text: str) -> str:
        """A server's text with the key taken out, in case it repeats what it was sent."""
        return text.replace(self._key, _HIDDEN) if self._key else text


def _counted(usage: object) -> tuple[int, int] | None:
    """Tokens of prompt and completion as a server counted them."""
    if isinstance(usage, dict):
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int) and prompt >= 0 and completion >= 0:
            return prompt, completion
    return None


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
