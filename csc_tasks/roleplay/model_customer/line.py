"""Answers of models, kept: asked by many threads, sent by one loop, written down before anything else is sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.cache import AnswerCache, CacheKind
from csc_tasks.chat.completion import EMPTY
from csc_tasks.chat.lines import Lines
from csc_tasks.chat.messages import AnswerSchema, AnswerStatus, ChatAnswer, ChatRequest, Message
from csc_tasks.chat.spending import OverBudget
from csc_tasks.errors import ChatError
from csc_tasks.roleplay.model_customer.config import CustomerConfig
from csc_tasks.roleplay.model_customer.customer import CustomerLost
from csc_tasks.roleplay.model_customer.information import CustomerRole

__all__ = ["CustomerLine"]

logger = logging.getLogger(__name__)

_ANSWERS = CacheKind(
    name="cache of customers' answers",
    application_id=0x63737531,  # "csu1"
    table="answers",
    column="answer",
)
_FORMAT = 1
_KEPT = {status.value: status for status in (AnswerStatus.ANSWERED, AnswerStatus.REFUSED)}
_PATIENCE = 10.0
"""Seconds in which the loop must have begun or ended."""


class CustomerLine:
    """Answers of both roles, each asked for once in all runs; usable from any thread, until :meth:`close`.

    Args:
        config: who is asked, and where answers are kept.
    """

    def __init__(self, config: CustomerConfig) -> None:
        self._config = config
        self._parameters = {role: config.parameters_of(role) for role in CustomerRole}
        self._budget = Budget(config.budget)
        self._lock = threading.Lock()
        self._cache_lock = threading.Lock()
        self._cache: AnswerCache | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._failed_in_a_row = 0
        self.trouble = ""
        """Why nothing is asked any more; '' while it is."""
        self.over_budget = False
        self.last_failure = ""
        self.requests = 0
        """Answers that were asked for and came, in this process."""

    @property
    def cost(self) -> float:
        """What this process has spent, in the configuration's currency; 0 without prices."""
        return self._budget.spent

    def ask(
        self,
        role: CustomerRole,
        messages: tuple[Message, ...],
        schema: AnswerSchema,
        key: str,
        attempt: int,
    ) -> ChatAnswer:
        """A role's answer, from the cache or from its model: it waits for it in the calling thread.

        Args:
            role: who is asked.
            messages: what it is sent. ``schema``: the form of the answer.
            key: of the case, from which the seed is derived.
            attempt: from 0.

        Raises:
            CustomerLost: there is none, and it was said why in the log.
        """
        place = self._place(role, messages, schema, key, attempt)
        kept = self._kept(place)
        if kept is not None:
            return kept
        seed = int(hashlib.sha256(key.encode()).hexdigest()[:6], 16)
        future: Future[ChatAnswer | None] | None = None
        try:
            future = self._send(role, ChatRequest(messages, schema, attempt, seed))
            answer = self._judged(future.result())
        except CancelledError:
            raise CustomerLost("stopped") from None
        except OverBudget:
            self.over_budget = True
            self._give_up(
                f"the budget of {self._config.budget:g} {self._config.currency} is spent; raise it and run the same "
                "command again"
            )
            raise CustomerLost(self.trouble) from None
        except ChatError as error:
            self._give_up(str(error))
            raise CustomerLost(self.trouble) from None
        except BaseException:  # Ctrl-C: nobody waits for this answer any more
            if future is not None:
                future.cancel()
            raise
        return self._keep(place, answer)

    def _place(
        self,
        role: CustomerRole,
        messages: tuple[Message, ...],
        schema: AnswerSchema,
        key: str,
        attempt: int,
    ) -> str:
        """What identifies an answer: everything that decides it."""
        content: list[Any] = [
            _FORMAT,
            role,
            self._parameters[role],
            schema.schema,
            [[message.role, message.content] for message in messages],
            key,
            attempt,
        ]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]

    # --- what is kept ---

    def _kept(self, place: str) -> ChatAnswer | None:
        with self._cache_lock:
            try:
                found = self._opened().get([place]).get(place)
            except ChatError as error:
                self._give_up(str(error))
                raise CustomerLost(self.trouble) from None
        return _answer_of(found)

    def _keep(self, place: str, answer: ChatAnswer) -> ChatAnswer:
        """Write an answer down; the one that is kept is everybody's, be it another process's."""
        record = {
            "status": answer.status.value,
            "text": answer.text,
            "model": answer.model,
            "id": answer.id,
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
        }
        with self._cache_lock:
            try:
                kept = self._opened().put_new(place, record)
            except ChatError as error:
                # An answer that no later run would find again must not decide this one.
                self._give_up(str(error))
                raise CustomerLost(self.trouble) from None
        return answer if kept == record else _answer_of(kept) or answer

    def _opened(self) -> AnswerCache:
        if self._cache is None:
            self._cache = AnswerCache(self._config.cache_path, _ANSWERS)
        return self._cache

    # --- what is sent ---

    def _send(self, role: CustomerRole, request: ChatRequest) -> Future[ChatAnswer | None]:
        with self._lock:
            if self.trouble:
                raise CustomerLost(self.trouble)
            if self._loop is None:
                self._begin()
            assert self._loop is not None
            return asyncio.run_coroutine_threadsafe(self._lines.ask(role, request, self._stop), self._loop)

    def _begin(self) -> None:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="csconv-customer", daemon=True)
        thread.start()
        self._loop, self._thread = loop, thread
        asyncio.run_coroutine_threadsafe(self._open(), loop).result(_PATIENCE)

    async def _open(self) -> None:
        self._stop = asyncio.Event()
        self._lines = Lines({str(role): self._config.of(role) for role in CustomerRole}, self._budget)
        await self._lines.__aenter__()

    def _judged(self, answer: ChatAnswer | None) -> ChatAnswer:
        """An answer that says something, be it that nothing is said.

        Raises:
            CustomerLost: the server failed, or nothing was sent.
        """
        if answer is None or answer.status is AnswerStatus.UNASKED:
            raise CustomerLost("stopped")
        if answer.status is AnswerStatus.FATAL:
            self._give_up(answer.reason)
            raise CustomerLost(self.trouble)
        if answer.status is AnswerStatus.FAILED and answer.reason == EMPTY:
            answer = answer.but(status=AnswerStatus.ANSWERED, text="")
        if answer.status is AnswerStatus.FAILED:
            self._fails(answer.reason)
            raise CustomerLost(answer.reason)
        with self._lock:
            self._failed_in_a_row = 0
            self.requests += 1
        return answer

    def _fails(self, reason: str) -> None:
        with self._lock:
            self._failed_in_a_row += 1
            count, self.last_failure = self._failed_in_a_row, reason
        if count == 1:
            logger.warning("a customer's answer did not come: %s", reason)
        if count >= max(10, self._config.concurrency):
            self._give_up(
                f"the last {count} requests failed ({reason}); run the same command again once the server answers"
            )

    def _give_up(self, trouble: str) -> None:
        with self._lock:
            if self.trouble:
                return
            self.trouble = trouble
        logger.error(
            "the customer's model %s is asked nothing more: %s. What the supporter said is kept; role-plays that were "
            "not over are left out, and what was answered is not asked for again",
            self._config.model,
            trouble,
        )

    def close(self) -> None:
        """End what is under way, and whoever waits for it; then the loop, and the cache."""
        with self._lock:
            self.trouble = self.trouble or "closed"
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            try:
                asyncio.run_coroutine_threadsafe(self._end(), loop).result(_PATIENCE)
            except TimeoutError:
                logger.warning("connections to the customer's model did not end within %g s", _PATIENCE)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(_PATIENCE)
            if not self._thread.is_alive():
                loop.close()
        with self._cache_lock:
            if self._cache is not None:
                self._cache.close()
                self._cache = None

    async def _end(self) -> None:
        self._stop.set()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lines.__aexit__(None, None, None)


def _answer_of(record: object) -> ChatAnswer | None:
    """An answer as it was kept; ``None`` where it is none."""
    if not isinstance(record, Mapping):
        return None
    status, text = _KEPT.get(str(record.get("status"))), record.get("text")
    return ChatAnswer(status, text) if status is not None and isinstance(text, str) else None
